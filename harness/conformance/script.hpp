#pragma once
// A test's say in the system calls of the library: answers, limits, a log, and the scripted poller. Thread-safe; installed until
// destroyed. Calls that the test itself makes (::read, ::write, ...) never come here.
//
// Make it before the runtime: a wait that began unscripted can't be reached. It may die before the runtime; waits that
// are under way then end with 0 events.

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <thread>
#include <vector>

#include "core/poller.hpp"
#include "core/ring_request.hpp"
#include "core/sys_uring.hpp"
#include "harness/conformance/kernel_tap.hpp"

namespace reactorlab::conformance {

/// A call that has returned. `fd` is the descriptor concerned: for epoll_ctl the registered one, for epoll_wait the epoll.
struct LoggedCall {
  sys::Op op;
  int fd;
  int command;  ///< epoll_ctl: EPOLL_CTL_ADD, _MOD, _DEL
  Event event;  ///< epoll_ctl: mask and token that were asked for
  long result;
  std::vector<Event> events;  ///< epoll_wait: what it reported
  std::thread::id thread;
};

class Script {
 public:
  /// Logs the calls of these operations. Tokens are remembered in any case.
  explicit Script(std::initializer_list<sys::Op> logged = {});
  Script(const Script&) = delete;
  ~Script();

  // --- answers; `fd` as in LoggedCall, `any_fd` for all ---------------------------------------------------------------------

  static constexpr int any_fd = -1;
  static constexpr unsigned forever = ~0u;

  /// The call number `first` (from 1) counted from now, and `times` - 1 after it, return -error without reaching the kernel.
  void fail(sys::Op op, int fd, int error, unsigned first = 1, unsigned times = 1) { answer(op, fd, -error, first, times); }
  void answer(sys::Op op, int fd, long result, unsigned first = 1, unsigned times = 1);
  /// Transfers move at most that many bytes (or parts) per call.
  void limit(sys::Op op, int fd, std::size_t size, unsigned times = forever);
  /// `rule` runs on the calling thread, with no lock held, before the call: a value answers it, nullopt lets it through. For an
  /// epoll_wait, `extra` is the limit that the runtime asked for, and a wait that goes on is shown again each time it's disturbed.
  /// The runtime goes on after the body, so what a rule captures by reference is declared before the script, or dies after
  /// let_through().
  using Rule = std::function<std::optional<long>(sys::Call&)>;
  void on(sys::Op op, int fd, Rule rule, unsigned first = 1, unsigned times = forever);
  /// For a rule that lets its call through: the kernel does what is asked, and the caller is told this instead of what it says.
  static void tell_instead(long result) noexcept { instead_ = result; }
  /// Forgets all rules and returns when none is running any more. Not from a rule.
  void let_through();

  // --- rings: what is queued, and what completes; kinds as in core/ring_request.hpp -----------------------------------------

  /// The request number `first` (from 1) of that kind counted from now, and `times` - 1 after it, finds the submission queue full,
  /// and the kernel takes nothing.
  void refuse(RingRequest kind, unsigned first = 1, unsigned times = 1);
  /// `change` runs on the completion number `first` of that kind, and `times` - 1 after it, before anybody looks at it: on a copy,
  /// so the request itself goes on if it did. end_request() makes a true end.
  using Change = std::function<void(io_uring_cqe&)>;
  void alter(RingRequest kind, Change change, unsigned first = 1, unsigned times = 1);
  /// Completions of that kind, or of that kind and source, aren't looked at until release(): others overtake them.
  void hold_back(RingRequest kind, Token source = no_token);
  /// A wait that is under way looks again.
  void release(RingRequest kind);
  /// Whether any has been held back since hold_back().
  bool holds(RingRequest kind) const noexcept { return held_[index_of(kind)].load(); }

  // --- the log --------------------------------------------------------------------------------------------------------------

  std::vector<LoggedCall> log() const;
  std::vector<LoggedCall> log_of(sys::Op op) const;
  std::vector<LoggedCall> log_of(sys::Op op, int fd) const;
  std::size_t count(sys::Op op, int fd) const { return log_of(op, fd).size(); }
  std::size_t count_ctl(int fd, int command) const;
  void clear_log();

  // --- the scripted poller ----------------------------------------------------------------------------------------------------

  /// The token that the last ADD or MOD of this descriptor told the kernel. Throws std::logic_error if there was none.
  Token token_of(int fd) const;
  /// The epoll it went to.
  int epoll_of(int fd) const;

  /// The next wait on that epoll returns these events: at once, also if it is under way. `alone`: what is really
  /// ready stays for the wait after it; otherwise it stands behind them.
  void inject(int epoll, std::vector<Event> events, bool alone = true);
  /// One more edge of a registered descriptor, true or false.
  void inject_edge(int fd, std::uint32_t mask, bool alone = true) { inject(epoll_of(fd), {Event{mask, token_of(fd)}}, alone); }
  /// The next wait on that epoll returns 0 events, at once.
  void end_wait(int epoll) { inject(epoll, {}); }
  /// From now on every wait's events pass through `order` before the runtime sees them: it may change their order. On the waiting
  /// thread. Before the runtime.
  void arrange(std::function<void(std::span<Event>)> order) { order_ = std::move(order); }
  /// Returns when a thread is asleep in its wait. For moments in which nothing is about to end it.
  void wait_until_asleep() const;
  /// True once a wait has taken everything that was injected. It has not been dispatched by then.
  bool all_taken() const;

  // --- for KernelTap ----------------------------------------------------------------------------------------------------------

  long on_call(sys::Call& call, KernelCall kernel, const void* context) noexcept;
  /// As on_call, for an epoll_wait; the kernel isn't let block. `over`: the wait ends, though perhaps with 0 events.
  struct Wait {
    long result;
    bool over;
  };
  Wait on_wait(sys::Call& call, KernelCall kernel, const void* context) noexcept;

 private:
  struct Entry {
    sys::Op op;
    int fd;
    Rule rule;
    unsigned skip;
    unsigned left;
  };
  struct Injection {
    int epoll;
    std::vector<Event> events;
    bool alone;
  };
  struct Known {
    int epoll;
    Token token;
  };

  static constexpr std::size_t index_of(RingRequest kind) noexcept { return static_cast<std::size_t>(kind); }
  static int subject(const sys::Call& call) noexcept;
  void on_kind(sys::Op op, RingRequest kind, Rule rule, unsigned first, unsigned times);
  std::optional<long> answer_of(sys::Call& call);
  std::optional<Injection> take_injection(int epoll);
  void remember(const sys::Call& call, long result);

  static inline thread_local std::optional<long> instead_;
  mutable std::mutex mutex_;
  const std::set<sys::Op> logged_;
  std::vector<std::shared_ptr<Entry>> entries_;
  unsigned running_ = 0;  // calls that are asking rules
  std::condition_variable quiet_;
  std::vector<LoggedCall> log_;
  std::map<int, Known> known_;
  std::vector<Injection> injections_;
  std::function<void(std::span<Event>)> order_;
  std::array<std::atomic<bool>, ring_request_mask + 1> holding_{}, held_{};  // by kind
};

}  // namespace reactorlab::conformance
