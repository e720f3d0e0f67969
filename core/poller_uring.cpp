#include "core/poller_uring.hpp"

#include <poll.h>
#include <sys/epoll.h>

#include "core/descriptor_table.hpp"
#include "core/error.hpp"
#include "core/fd.hpp"
#include "core/mutation.hpp"
#include "core/sys_uring.hpp"

// Readiness by io_uring: each source has one multishot IORING_OP_POLL_ADD, which is edge-triggered, and an eventfd ends the wait.
//
// A poll may end by itself (its completion lacks IORING_CQE_F_MORE: the completion queue was full, or the thread that submitted it has
// ended): then it is armed again, which reports what is ready at that time, so no edge is lost.

namespace reactorlab {
namespace {

static_assert(sizeof(Event) == sizeof(epoll_event) && offsetof(Event, token) == offsetof(epoll_event, data));

/// What a completion is about. In the low bits of its user_data: tokens are multiples of a registration's size.
enum class Kind : std::uint64_t { poll, change, removal };
constexpr std::uint64_t kind_mask = sizeof(Registration) - 1;

constexpr std::uint64_t user_data(Token token, Kind kind) noexcept { return token | static_cast<std::uint64_t>(kind); }

class UringPoller final : public Poller {
 public:
  UringPoller(RingUse use, const Slab& slab, RingSizes sizes) : slab_{slab}, ring_{use, sizes}, kick_{opened_kick()} {}

  IoResult add(int fd, Token token, Interest interest) noexcept override {
    epoll_event event = event_of(token, interest);
    return sys::control_like_epoll(ring_.fd(), EPOLL_CTL_ADD, fd, &event, [&](const sys::Call&) -> long {
      struct stat status;
      if (const long failed = sys::fstat(fd, &status); failed < 0) return failed;
      if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) return -EPERM;  // always ready: epoll refuses them, too
      LockGuard lock{mutex_};
      return claim_and_arm(fd, token, mask_of(interest), status).value();
    });
  }

  IoResult modify(int fd, Token token, Interest interest) noexcept override {
    epoll_event event = event_of(token, interest);
    return sys::control_like_epoll(ring_.fd(), EPOLL_CTL_MOD, fd, &event, [&](const sys::Call&) -> long {
      LockGuard lock{mutex_};
      Claim* const claim = claim_of(fd, token);
      if (!claim) return -ENOENT;
      io_uring_sqe* const entry = queue();
      if (!entry) return -EAGAIN;
      const std::uint32_t before = std::exchange(claim->mask, mask_of(interest));
      change(*entry, token, claim->mask);
      const IoResult submitted = submit();
      if (!submitted) claim->mask = before;
      return submitted.value();
    });
  }

  IoResult remove(int fd) noexcept override {
    epoll_event unused{};
    return sys::control_like_epoll(ring_.fd(), EPOLL_CTL_DEL, fd, &unused, [&](const sys::Call&) -> long {
      LockGuard lock{mutex_};
      Claim* const claim = claims_.find(fd);
      if (!claim || claim->token == no_token) return -ENOENT;
      const Token token = std::exchange(*claim, Claim{}).token;
      sources_.fetch_sub(1, relaxed);
      if (io_uring_sqe* const entry = queue()) {
        entry->opcode = IORING_OP_ASYNC_CANCEL;  // POLL_REMOVE fails (-EALREADY) while the poll is about to report
        entry->flags = IOSQE_CQE_SKIP_SUCCESS;
        entry->addr = user_data(token, Kind::poll);
        entry->user_data = user_data(token, Kind::removal);
      }
      // At once, and on a ring of one thread with what the poll has put off: it holds the file, and close() is to end it. The number
      // must not be another file's, either, when a poll of it that is still queued is submitted.
      (void)ring_.submit(/*and_work=*/ring_.use() == RingUse::one_thread);
      return 0;
    });
  }

  IoResult wait(std::span<Event> events, int timeout_ms) noexcept override {
    // As poller_epoll.cpp: a glance at a set that has only the kick in it would learn nothing.
    if (timeout_ms == 0 && sources_.load(relaxed) <= 1) return 0;
    return sys::wait_like_epoll(ring_.fd(), reinterpret_cast<epoll_event*>(events.data()), events.size(), timeout_ms,
                                [&](const sys::Call& call) -> long {
                                  return wait_now(events.first(call.size), static_cast<int>(call.extra)).value();
                                });
  }

  // Edge-triggered, an eventfd reports every write, so nobody ever has to read it.
  void kick() noexcept override {
    const std::uint64_t one = 1;
    while (sys::write(kick_.get(), &one, sizeof one) == -EINTR && !mutated(Mutant::interrupted_kick_dropped)) {
    }
  }
  int kick_fd() const noexcept override { return kick_.get(); }

 private:
  static constexpr Token no_token = 0;

  /// Who has registered a descriptor.
  struct Claim {
    Token token;         ///< no_token: nobody
    std::uint64_t file;  ///< to tell a descriptor from a later one of the same number
    std::uint32_t mask;
  };

  static UniqueFd opened_kick() {
    const long fd = sys::eventfd();
    if (fd < 0) throw_errno(static_cast<int>(-fd), "eventfd", "raise the limit of open files (ulimit -n) or close some");
    return UniqueFd{static_cast<int>(fd)};
  }

  static std::uint32_t mask_of(Interest interest) noexcept {
    std::uint32_t mask = 0;
    if (covers(interest, Interest::read)) mask |= EPOLLIN | EPOLLPRI | EPOLLRDHUP;
    if (covers(interest, Interest::write)) mask |= EPOLLOUT;
    return mask;
  }
  static epoll_event event_of(Token token, Interest interest) noexcept {
    epoll_event event{};
    event.events = mask_of(interest);
    event.data.u64 = token;
    return event;
  }

  // --- REQUIRES mutex_ ------------------------------------------------------------------------------------------------------

  IoResult claim_and_arm(int fd, Token token, std::uint32_t mask, const struct stat& status) noexcept {
    const std::uint64_t file = status.st_ino ^ (std::uint64_t{status.st_dev} << 48);
    Claim* const claim = claims_.make(fd);
    if (!claim) return -ENOMEM;
    // The same number with another file: its owner closed the first without a word, as borrowers' descriptors may be.
    if (claim->token != no_token && claim->file == file) return -EEXIST;
    io_uring_sqe* const entry = queue();
    if (!entry) return -EAGAIN;
    arm(*entry, fd, token, mask);
    const Claim before = std::exchange(*claim, Claim{token, file, mask});
    if (const IoResult submitted = submit(); !submitted) {
      *claim = before;
      return submitted;
    }
    if (before.token == no_token) sources_.fetch_add(1, relaxed);
    return 0;
  }

  Claim* claim_of(int fd, Token token) noexcept {
    Claim* const claim = claims_.find(fd);
    return claim && claim->token == token ? claim : nullptr;
  }

  io_uring_sqe* queue() noexcept {
    io_uring_sqe* entry = ring_.queue();
    if (!entry && ring_.submit()) entry = ring_.queue();
    return entry;
  }

  /// What was queued goes with the next wait, if that is this thread's, too.
  IoResult submit() noexcept {
    if (ring_.use() == RingUse::one_thread) return 0;
    const IoResult submitted = ring_.submit();
    if (!submitted) ring_.unqueue();
    return submitted;
  }

  static void arm(io_uring_sqe& entry, int fd, Token token, std::uint32_t mask) noexcept {
    entry.opcode = IORING_OP_POLL_ADD;
    entry.fd = fd;
    entry.poll32_events = mask;
    entry.len = IORING_POLL_ADD_MULTI;
    entry.user_data = user_data(token, Kind::poll);
  }
  static void change(io_uring_sqe& entry, Token token, std::uint32_t mask) noexcept {
    entry.opcode = IORING_OP_POLL_REMOVE;
    entry.flags = IOSQE_CQE_SKIP_SUCCESS;
    entry.addr = user_data(token, Kind::poll);
    entry.poll32_events = mask;
    entry.len = IORING_POLL_UPDATE_EVENTS | IORING_POLL_ADD_MULTI;
    entry.user_data = user_data(token, Kind::change);
  }

  // --- the driver's -----------------------------------------------------------------------------------------------------------

  IoResult wait_now(std::span<Event> events, int timeout_ms) noexcept {
    std::size_t count = take(events, 0);  // what the last turn had no room for
    IoResult waited = 0;
    if (count == 0 || ring_.use() == RingUse::one_thread) {
      waited = ring_.wait(count == 0 ? timeout_ms : 0);
      count = take(events, count);
    }
    if (count != 0 || waited) return static_cast<long>(count);
    const int error = waited.error();
    return error == ETIME || error == EAGAIN || error == EBUSY ? IoResult{0} : waited;
  }

  /// Turns completions into events, behind the `count` that are there; how many are there then.
  std::size_t take(std::span<Event> events, std::size_t count) noexcept {
    const unsigned ready = ring_.ready();
    unsigned taken = 0;
    for (; taken != ready && count != events.size(); ++taken) {
      const io_uring_cqe& completion = ring_.completion(taken);
      const Token token = completion.user_data & ~kind_mask;
      switch (static_cast<Kind>(completion.user_data & kind_mask)) {
        case Kind::removal: break;
        case Kind::change:
          // A poll that is just reporting can't be changed. One that has ended is armed with the new mask, where its end is seen.
          if (completion.res == -EALREADY) repeat_change(token);
          break;
        case Kind::poll: {
          const bool ended = !(completion.flags & IORING_CQE_F_MORE);
          const int result = completion.res;
          // A file that has no poll operation never says EAGAIN, so nobody waits for it.
          if (ended && result != -EINVAL) arm_again(token);
          if (result <= 0 || !lives(token)) break;
          const std::uint32_t mask = seen(token, static_cast<std::uint32_t>(result));
          if (count != 0 && events[count - 1].token == token) {
            events[count - 1].mask |= mask;  // so that many kicks are one event
          } else {
            events[count++] = {mask, token};
          }
          break;
        }
      }
    }
    ring_.consume(taken);
    return count;
  }

  /// False for a report that was made before its registration was removed.
  bool lives(Token token) const noexcept {
    const std::uint64_t word = slab_.slot_at(token).words[0].load(relaxed);
    return readiness::same_life(word, token) && !(word & readiness::closed);
  }

  /// A poll reports what its source was woken for, and every arrival on a socket wakes for urgent data, too: look.
  std::uint32_t seen(Token token, std::uint32_t mask) const noexcept {
    if (!(mask & EPOLLPRI)) return mask;
    pollfd entry{slab_.slot_at(token).fd.load(relaxed), POLLPRI, 0};
    return sys::poll_now(&entry) > 0 && (entry.revents & POLLPRI) ? mask : mask & ~std::uint32_t{EPOLLPRI};
  }

  void arm_again(Token token) noexcept {
    const int fd = slab_.slot_at(token).fd.load(relaxed);
    LockGuard lock{mutex_};
    const Claim* const claim = claim_of(fd, token);
    if (!claim) return;  // removed meanwhile
    if (io_uring_sqe* const entry = queue()) {
      arm(*entry, fd, token, claim->mask);
      (void)submit();
    }
  }
  void repeat_change(Token token) noexcept {
    const int fd = slab_.slot_at(token).fd.load(relaxed);
    LockGuard lock{mutex_};
    const Claim* const claim = claim_of(fd, token);
    if (!claim) return;
    if (io_uring_sqe* const entry = queue()) {
      change(*entry, token, claim->mask);
      (void)submit();
    }
  }

  const Slab& slab_;
  PlainMutex mutex_;  // guards the submission side and the claims
  Ring ring_;
  UniqueFd kick_;
  DescriptorTable<Claim> claims_;
  Atomic<std::size_t> sources_{0};  // the kick among them
};

}  // namespace

std::unique_ptr<Poller> make_uring_poller(RingUse use, const Slab& slab, RingSizes sizes) {
  return std::make_unique<UringPoller>(use, slab, sizes);
}

}  // namespace reactorlab
