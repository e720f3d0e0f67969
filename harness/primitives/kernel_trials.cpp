// One thread and the kernel. System calls are issued as core issues them.

#include "core/clock.hpp"
#include "core/fd.hpp"
#include "core/poller.hpp"
#include "core/ring.hpp"
#include "harness/primitives/catalogue.hpp"
#include "harness/primitives/require.hpp"

#include <array>
#include <limits>
#include <string>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace reactorlab::primitives {
namespace {

template <class Operation>
std::unique_ptr<Trial> loop(Operation operation) {
  return std::make_unique<Loop<Operation>>(std::move(operation));
}

UniqueFd new_eventfd() { return UniqueFd{static_cast<int>(require(sys::eventfd(), "eventfd"))}; }

void ring_bell(int eventfd) {
  constexpr std::uint64_t one = 1;
  require(sys::write(eventfd, &one, sizeof one), "write to an eventfd");
}

void control(int epoll, int command, int fd) {
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.fd = fd}};
  require(sys::epoll_ctl(epoll, command, fd, &event), "epoll_ctl");
}

std::unique_ptr<Trial> getppid_loop(const Cpus&) {
  return loop([] { ::getppid(); });
}

std::unique_ptr<Trial> clock_loop(const Cpus&) {
  return loop([] { clock::kernel_now(); });
}

/// A wait that doesn't block, on one descriptor that always or never is ready (level-triggered).
class ZeroWait {
 public:
  explicit ZeroWait(bool ready) : found_(ready ? 1 : 0) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = bell_.get()}};
    require(sys::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, bell_.get(), &event), "epoll_ctl");
    if (ready) ring_bell(bell_.get());
  }
  void operator()() {
    epoll_event event;
    if (require(sys::epoll_wait(epoll_.get(), &event, 1, 0), "epoll_wait") != found_)
      throw std::runtime_error("epoll_wait reported another number of events than there were");
  }

 private:
  UniqueFd epoll_{static_cast<int>(require(sys::epoll_create(), "epoll_create1"))};
  UniqueFd bell_ = new_eventfd();
  long found_;
};

template <bool kReady>
std::unique_ptr<Trial> zero_wait(const Cpus&) {
  return loop(ZeroWait{kReady});
}

/// ADD or DEL of as many descriptors; the opposite isn't timed.
template <int kCommand>
class AddOrDelete final : public Trial {
 public:
  AddOrDelete() {
    for (UniqueFd& fd : fds_) fd = new_eventfd();
  }
  Batch measure() override {
    if (kCommand == EPOLL_CTL_DEL) all(EPOLL_CTL_ADD);
    const Stopwatch watch;
    all(kCommand);
    const double ns = watch.ns();
    if (kCommand == EPOLL_CTL_ADD) all(EPOLL_CTL_DEL);
    return {fds_.size(), ns, std::nullopt};
  }

 private:
  void all(int command) {
    for (const UniqueFd& fd : fds_) control(epoll_.get(), command, fd.get());
  }

  UniqueFd epoll_{static_cast<int>(require(sys::epoll_create(), "epoll_create1"))};
  std::array<UniqueFd, 64> fds_;
};

template <int kCommand>
std::unique_ptr<Trial> add_or_delete(const Cpus&) {
  return std::make_unique<AddOrDelete<kCommand>>();
}

std::unique_ptr<Trial> modify(const Cpus&) {
  UniqueFd epoll{static_cast<int>(require(sys::epoll_create(), "epoll_create1"))};
  UniqueFd bell = new_eventfd();
  control(epoll.get(), EPOLL_CTL_ADD, bell.get());
  return loop([epoll = std::move(epoll), bell = std::move(bell)] { control(epoll.get(), EPOLL_CTL_MOD, bell.get()); });
}

std::unique_ptr<Trial> eventfd_write(const Cpus&) {
  return loop([bell = new_eventfd()] { ring_bell(bell.get()); });
}

std::unique_ptr<Trial> eventfd_read(const Cpus&) {
  // A semaphore is read by one at a time, so that its first value is enough for hours.
  const int fd = ::eventfd(std::numeric_limits<unsigned>::max(), EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
  return loop([bell = UniqueFd{static_cast<int>(require(fd < 0 ? -errno : fd, "eventfd"))}] {
    std::uint64_t value = 0;
    require(sys::read(bell.get(), &value, sizeof value), "read of an eventfd");
  });
}

/// A request that does nothing, submitted and completed in one call.
std::unique_ptr<Trial> uring_nop(const Cpus&) {
  if (const auto why = why_unavailable(Backend::uring_poll)) throw NotMeasurable("no io_uring on this machine: " + *why);
  return loop([ring = std::make_unique<Ring>(RingUse::one_thread, RingSizes{.submissions = 4, .completions = 8})] {
    io_uring_sqe* const entry = ring->queue();
    if (entry == nullptr) throw std::runtime_error("io_uring_enter left its submission queue full");
    entry->opcode = IORING_OP_NOP;
    require(ring->wait(ring->publish(), 0).value(), "io_uring_enter");
    ring->consume(ring->ready());
  });
}

std::unique_ptr<Trial> futex_wake(const Cpus&) {
  return loop([word = std::make_unique<Atomic<std::uint32_t>>(0)] { sys::futex_wake(*word); });
}

}  // namespace

std::vector<Known> kernel_trials() {
  return {
      {"syscall", "getppid: into the kernel and back, with next to nothing in between", getppid_loop},
      {"clock_gettime", "CLOCK_MONOTONIC, as libc reads it", clock_loop},
      {"epoll_wait_empty", "epoll_wait(0) on one descriptor that isn't ready", zero_wait<false>},
      {"epoll_wait_ready", "epoll_wait(0) that returns one event", zero_wait<true>},
      {"epoll_ctl_add", "EPOLL_CTL_ADD of an eventfd, edge-triggered", add_or_delete<EPOLL_CTL_ADD>},
      {"epoll_ctl_mod", "EPOLL_CTL_MOD of the same", modify},
      {"epoll_ctl_del", "EPOLL_CTL_DEL of the same", add_or_delete<EPOLL_CTL_DEL>},
      {"eventfd_write", "write to an eventfd that nobody waits for", eventfd_write},
      {"eventfd_read", "read of an eventfd that holds a value", eventfd_read},
      {"io_uring_enter", "a NOP submitted and completed by one call", uring_nop},
      {"futex_wake", "FUTEX_WAKE that finds nobody", futex_wake},
  };
}

}  // namespace reactorlab::primitives
