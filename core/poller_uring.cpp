#include "core/poller_uring.hpp"

#include <poll.h>
#include <sys/epoll.h>

#include <optional>

#include "core/completions.hpp"
#include "core/descriptor_table.hpp"
#include "core/error.hpp"
#include "core/mutation.hpp"
#include "core/ring_port.hpp"
#include "core/ring_request.hpp"
#include "core/sys_uring.hpp"

// Readiness by io_uring: each source has one multishot IORING_OP_POLL_ADD, which is edge-triggered, and an eventfd ends the wait.
//
// A poll may end by itself (its completion lacks IORING_CQE_F_MORE: the completion queue was full, or the thread that submitted it
// has ended): then it is armed again, which reports what is ready at that time, so no edge is lost. What finds the submission queue
// full, and the kernel takes nothing, is owed to its source until the next turn.

namespace reactorlab {
namespace {

static_assert(sizeof(Event) == sizeof(epoll_event) && offsetof(Event, token) == offsetof(epoll_event, data));

class UringPoller final : public Poller {
 public:
  UringPoller(RingUse use, Slab& slab, Completing completing, RingSizes sizes) : slab_{slab}, port_{use, sizes} {
    // So that registering the kick can't fail for want of our memory, only for the kernel's reasons.
    if (!claims_.make(kick_fd())) throw std::bad_alloc{};
    if (completing == Completing::sockets) completions_.emplace(port_, slab, sizes.buffers);
  }
  ~UringPoller() override {
    if (completions_ && !mutated(Mutant::shutdown_without_reaping)) finish();
  }

  IoResult add(int fd, Token token, Interest interest) noexcept override {
    epoll_event event = event_of(token, interest);
    return sys::control_like_epoll(port_.ring().fd(), EPOLL_CTL_ADD, fd, &event, [&](const sys::Call&) -> long {
      struct stat status;
      if (const long failed = sys::fstat(fd, &status); failed < 0) return failed;
      if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) return -EPERM;  // always ready: epoll refuses them, too
      auto lock = port_.lock();
      const bool named = S_ISSOCK(status.st_mode) && slab_.slot_at(token).kind != SourceKind::stream;
      return claim_and_arm(fd, Claim{token, file_of(status), interest, Owed::nothing, named}).value();
    });
  }

  IoResult modify(int fd, Token token, Interest interest) noexcept override {
    epoll_event event = event_of(token, interest);
    return sys::control_like_epoll(port_.ring().fd(), EPOLL_CTL_MOD, fd, &event, [&](const sys::Call&) -> long {
      if (slab_.slot_at(token).completes) return 0;  // what it waits for, its operations request
      auto lock = port_.lock();
      Claim* const claim = claim_of(fd, token);
      if (!claim) return -ENOENT;
      claim->interest = interest;
      change(*claim);
      return 0;
    });
  }

  IoResult remove(int fd) noexcept override {
    epoll_event unused{};
    return sys::control_like_epoll(port_.ring().fd(), EPOLL_CTL_DEL, fd, &unused, [&](const sys::Call&) -> long {
      auto lock = port_.lock();
      const Token open = completions_ ? completions_->source_at(fd) : no_token;
      const bool completed = open != no_token;
      Claim* const claim = completed ? nullptr : claims_.find(fd);
      if (!completed && (!claim || claim->token == no_token)) return -ENOENT;
      sources_.fetch_sub(1, relaxed);
      const Claim polls = claim ? std::exchange(*claim, Claim{}) : Claim{};
      const bool named = completed ? slab_.slot_at(open).kind != SourceKind::stream : polls.named;
      if (mutated(Mutant::close_leaves_requests)) return 0;
      RequestsOfSource requests;
      if (completed) {
        requests = completions_->close(fd);
      } else {
        requests.add(user_data(polls.token, RingRequest::poll));
      }
      if (requests.empty()) return 0;
      for (const std::uint64_t request : requests) port_.cancel(request);
      // At once, and on a ring of one thread with what the request has put off: it holds the file, and close() is to end it. The
      // number must not be another file's, either, when a request for it that is still queued is submitted.
      port_.submit();
      lock = {};
      if (!named) return 0;
      for (const std::uint64_t request : requests) port_.await_end(request);
      return 0;
    });
  }

  IoResult wait(std::span<Event> events, int timeout_ms) noexcept override {
    // As poller_epoll.cpp: a glance at a set that has only the kick in it would learn nothing.
    if (timeout_ms == 0 && sources_.load(relaxed) <= 1 && !port_.behind()) return 0;
    if (timeout_ms != 0) port_.announce(true);
    const long n = sys::wait_like_epoll(
        port_.ring().fd(), reinterpret_cast<epoll_event*>(events.data()), events.size(), timeout_ms,
        [&](const sys::Call& call) -> long { return wait_now(events.first(call.size), static_cast<int>(call.extra)).value(); });
    if (timeout_ms != 0) port_.announce(false);
    return n;
  }

  bool completes() const noexcept override { return completions_.has_value(); }
  void flush() noexcept override { port_.flush(); }
  void kick() noexcept override { port_.kick(); }
  int kick_fd() const noexcept override { return port_.kick_fd(); }

 private:
  /// Of a source: what found the ring full.
  enum class Owed : std::uint8_t { nothing, poll, change };

  /// Who has registered a descriptor, if polls watch it.
  struct Claim {
    Token token;         ///< no_token: nobody
    std::uint32_t file;  ///< to tell a descriptor from a later one of the same number
    Interest interest;
    Owed owed;
    bool named;  ///< maybe a name that others can't have while the file is open: a port, an abstract name
  };
  static_assert(sizeof(Claim) == 16);

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
  /// Numbers of inodes are given out in order, so their low halves tell files apart that had one descriptor one after the other.
  static std::uint32_t file_of(const struct stat& status) noexcept {
    return static_cast<std::uint32_t>(status.st_ino) ^ (static_cast<std::uint32_t>(status.st_dev) << 16);
  }

  // --- REQUIRES port_.lock() ------------------------------------------------------------------------------------------------

  IoResult claim_and_arm(int fd, const Claim& ours) noexcept {
    const bool completed = slab_.slot_at(ours.token).completes;
    Claim* const claim = completed ? claims_.find(fd) : claims_.make(fd);
    if (!claim && !completed) return -ENOMEM;
    // The same number with another file: its owner closed the first without a word, as borrowers' descriptors may be.
    const bool polled = claim && claim->token != no_token;
    const bool open = completions_ && completions_->source_at(fd) != no_token;
    if ((polled && claim->file == ours.file) || (open && completions_->file_at(fd) == ours.file)) return -EEXIST;
    if (open) {
      for (const std::uint64_t request : completions_->close(fd)) port_.cancel(request);
    }
    if (completed && !completions_->open(fd, ours.token, ours.file)) return -ENOMEM;
    if (!polled && !open) sources_.fetch_add(1, relaxed);
    if (polled) *claim = Claim{};
    if (!completed) *claim = ours;
    // The operations of others see to requests themselves.
    if (!completed && (fd != kick_fd() || !mutated(Mutant::kick_never_armed))) arm(fd, *claim);
    return 0;
  }

  Claim* claim_of(int fd, Token token) noexcept {
    Claim* const claim = claims_.find(fd);
    return claim && claim->token == token ? claim : nullptr;
  }

  void arm(int fd, Claim& claim) noexcept {
    io_uring_sqe* const entry = port_.queue(user_data(claim.token, RingRequest::poll));
    claim.owed = entry ? Owed::nothing : Owed::poll;
    if (!entry) return port_.fall_behind();
    entry->opcode = IORING_OP_POLL_ADD;
    entry->fd = fd;
    entry->poll32_events = mask_of(claim.interest);
    entry->len = IORING_POLL_ADD_MULTI;
    port_.hand_over();
  }
  void change(Claim& claim) noexcept {
    if (claim.owed == Owed::poll) return;  // which will have this mask
    io_uring_sqe* const entry = port_.queue(user_data(claim.token, RingRequest::change));
    claim.owed = entry ? Owed::nothing : Owed::change;
    if (!entry) return port_.fall_behind();
    entry->opcode = IORING_OP_POLL_REMOVE;
    entry->flags = IOSQE_CQE_SKIP_SUCCESS;
    entry->addr = user_data(claim.token, RingRequest::poll);
    entry->poll32_events = mask_of(claim.interest);
    entry->len = IORING_POLL_UPDATE_EVENTS | IORING_POLL_ADD_MULTI;
    port_.hand_over();
  }

  void arm_again(Token token) noexcept {
    const int fd = slab_.slot_at(token).fd.load(relaxed);
    if (Claim* const claim = claim_of(fd, token)) arm(fd, *claim);  // else removed meanwhile
  }
  void repeat_change(Token token) noexcept {
    if (Claim* const claim = claim_of(slab_.slot_at(token).fd.load(relaxed), token)) change(*claim);
  }

  /// What found the ring full: polls are armed, operations told to attempt again. How many events are there then.
  std::size_t make_up(std::span<Event> events, std::size_t count) noexcept {
    port_.catch_up();
    for (int fd = 0; Claim* const claim = claims_.find(fd); ++fd) {
      if (claim->token == no_token) continue;
      if (claim->owed == Owed::poll) arm(fd, *claim);
      if (claim->owed == Owed::change) change(*claim);
    }
    if (!completions_) return count;
    for (int fd = 0; count != events.size();) {
      const Token token = completions_->take_refused(fd);
      if (token == no_token) return count;
      events[count++] = {EPOLLIN | EPOLLOUT, token};
    }
    port_.fall_behind();  // no room for the others
    return count;
  }

  // --- the driver's -----------------------------------------------------------------------------------------------------------

  IoResult wait_now(std::span<Event> events, int timeout_ms) noexcept {
    std::size_t count = take(events, 0);  // what the last turn had no room for
    if (port_.behind()) [[unlikely]]
      count = caught_up(events, count, timeout_ms);
    if (completions_ && completions_->lacks_buffers()) {
      auto lock = port_.lock();
      completions_->replenish_most();
    }
    const IoResult waited = port_.wait(count == 0 ? timeout_ms : 0);
    count = take(events, count);
    if (count == 0 && port_.behind()) [[unlikely]]
      return -EINTR;  // not the end of the wait, but of its sleep: there is something to make up for
    if (count != 0 || waited) return static_cast<long>(count);
    const int error = waited.error();
    if (error == ETIME && mutated(Mutant::internal_results_reported)) return waited;
    return error == ETIME || error == EAGAIN || error == EBUSY ? IoResult{0} : waited;
  }

  /// If the kernel goes on refusing, the wait is a short one.
  [[gnu::noinline]] std::size_t caught_up(std::span<Event> events, std::size_t count, int& timeout_ms) noexcept {
    auto lock = port_.lock();
    count = make_up(events, count);
    if (port_.behind() && timeout_ms != 0) timeout_ms = 1;
    return count;
  }

  /// Turns completions into events, behind the `count` that are there; how many are there then.
  std::size_t take(std::span<Event> events, std::size_t count) noexcept {
    Ring& ring = port_.ring();
    const unsigned ready = ring.ready();
    if (ready == 0 && !gate_.holds_some()) return count;
    auto lock = port_.lock();
    const auto look = [&](const io_uring_cqe& completion) {
      Token token = name_in(completion.user_data);
      std::uint32_t mask = 0;
      switch (request_of(completion.user_data)) {
        case RingRequest::cancel: break;
        case RingRequest::change:
          // A poll that is just reporting can't be changed. One that has ended is armed with the new mask, where its end is seen.
          if (completion.res == -EALREADY) repeat_change(token);
          break;
        case RingRequest::poll: mask = reported(token, completion); break;
        default: mask = completions_->complete(completion, token); break;
      }
      if (mask == 0) return;
      if (count != 0 && events[count - 1].token == token) {
        events[count - 1].mask |= mask;  // so that many kicks are one event
      } else {
        events[count++] = {mask, token};
      }
    };
    const auto has_room = [&] { return count != events.size(); };
    gate_.offer_again(ring.fd(), has_room, look);
    unsigned taken = 0;
    for (; taken != ready && has_room(); ++taken) {
      const io_uring_cqe& completion = ring.completion(taken);
      if (completion.user_data == Ring::nothing) continue;
      gate_.pass(ring.fd(), static_cast<long>(request_of(completion.user_data)), completion, look);
    }
    ring.consume(taken);
    if (completions_) completions_->replenish();
    return count;
  }

  /// A poll's completion: what it says of its source.
  std::uint32_t reported(Token token, const io_uring_cqe& completion) noexcept {
    const int result = completion.res;
    // A file that has no poll operation never says EAGAIN, so nobody waits for it; one that its owner has closed can't be asked.
    const bool ended = !(completion.flags & IORING_CQE_F_MORE);
    if (ended && result != -EINVAL && result != -EBADF && !mutated(Mutant::ended_poll_kept)) arm_again(token);
    if (mutated(Mutant::poll_result_ignored) && !(result & (EPOLLIN | EPOLLOUT))) return 0;
    return result > 0 && lives(token) ? seen(token, static_cast<std::uint32_t>(result)) : 0;
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

  /// The kernel is done with every buffer before it is freed. Requests of other threads end as these run; bounded all the same.
  void finish() noexcept {
    {
      auto lock = port_.lock();
      completions_->cancel_all();
    }
    for (int wait = 0; wait < 1'000 && completions_->in_flight() != 0; ++wait) {
      (void)port_.wait(/*timeout_ms=*/10);
      Event events[Poller::batch];
      if (port_.behind()) {
        auto lock = port_.lock();
        port_.catch_up();
      }
      (void)take(events, 0);
    }
  }

  Slab& slab_;
  RingPort port_;
  std::optional<Completions> completions_;
  [[no_unique_address]] sys::CompletionGate gate_;  // the driver's
  DescriptorTable<Claim> claims_;                   // under port_.lock()
  Atomic<std::size_t> sources_{0};                  // the kick among them
};

}  // namespace

std::unique_ptr<Poller> make_uring_poller(RingUse use, Slab& slab, Completing completing, RingSizes sizes) {
  return std::make_unique<UringPoller>(use, slab, completing, sizes);
}

}  // namespace reactorlab
