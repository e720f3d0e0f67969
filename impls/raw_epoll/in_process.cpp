#include "impls/raw_epoll/in_process.hpp"

#include "harness/inline_syscall.hpp"
#include "harness/peer_kit.hpp"

#include <cerrno>
#include <system_error>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace reactorlab::raw_epoll {
namespace {

/// `fd` is what a system call returned that makes a descriptor.
class Descriptor {
 public:
  Descriptor(int fd, const char* what) : fd_(fd) {
    if (fd < 0) throw std::system_error(errno, std::system_category(), what);
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

Descriptor make_epoll() { return {::epoll_create1(EPOLL_CLOEXEC), "raw_epoll: epoll_create1"}; }
Descriptor make_eventfd() {
  return {::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "raw_epoll: eventfd (raise the limit of open files: ulimit -n)"};
}

void add(const Descriptor& epoll, const Descriptor& fd, std::uint32_t interest) {
  epoll_event event{.events = interest, .data = {.fd = fd.get()}};
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd.get(), &event) < 0)
    throw std::system_error(errno, std::system_category(), "raw_epoll: epoll_ctl(ADD)");
}

/// -> whether `fd` was registered, became readable with `value`, and was deregistered.
bool live_and_die(const Descriptor& epoll, std::uint64_t value) {
  const Descriptor fd = make_eventfd();
  add(epoll, fd, EPOLLIN | EPOLLET);
  if (::write(fd.get(), &value, sizeof value) != sizeof value) return false;
  epoll_event event{};
  const int ready = inline_sys::epoll_wait(epoll.get(), &event, 1, -1);
  std::uint64_t rung = 0;
  const bool right = ready == 1 && event.data.fd == fd.get() && ::read(fd.get(), &rung, sizeof rung) == sizeof rung;
  return ::epoll_ctl(epoll.get(), EPOLL_CTL_DEL, fd.get(), nullptr) == 0 && right && rung == value;
}

}  // namespace

/// Edge-triggered, so that each write is an event of its own and nobody has to read the descriptor empty.
InProcessReport cross_thread_wake(const InProcessRequest& request) {
  const Descriptor epoll = make_epoll();
  const Descriptor bell = make_eventfd();
  add(epoll, bell, EPOLLIN | EPOLLET);
  peer_kit::PingPong game(request);
  game.start([fd = bell.get()] {
    const std::uint64_t one = 1;
    (void)!::write(fd, &one, sizeof one);  // fails only at 2^64 - 1 of them
  });
  epoll_event event{};
  int ready = 0;
  do {
    ready = inline_sys::epoll_wait(epoll.get(), &event, 1, -1);
  } while (ready == -EINTR || (ready == 1 && game.answer()));
  return game.report();
}

InProcessReport reg_churn(const InProcessRequest& request) {
  const Descriptor epoll = make_epoll();
  InProcessReport warm_up;
  for (std::uint64_t i = 1; i <= scenarios::warm_up_operations; ++i) scenarios::verify(warm_up, live_and_die(epoll, i));
  InProcessReport report{.operations = 0, .errors = warm_up.errors, .counters = {}};
  scenarios::open_window(request);
  for (std::uint64_t i = 1; i <= request.operations; ++i) scenarios::verify(report, live_and_die(epoll, i));
  scenarios::close_window(request);
  return report;
}

}  // namespace reactorlab::raw_epoll
