#pragma once
// How a handle reaches its reactor. Every home has its own Ref, static and inline; VirtualRef is the same through virtual calls,
// so that the same sockets and leaf operations work on any IRuntime.

#include <concepts>
#include <memory>
#include <utility>

#include "core/reactor.hpp"

namespace reactorlab {

/// Copyable; keeps alive whatever it needs. All calls from any thread where the home allows that, else refused with -EXDEV.
template <class R>
concept ReactorRef =
    std::copyable<R> && requires(const R& ref, int fd, Registration& slot, const Registration& const_slot, Registration*& out,
                                 Direction direction, TaskHeader& task, std::uint64_t& identity, Timer& timer, TimePoint deadline) {
      { ref.add(fd, SourceKind::stream, Interest::read, out) } noexcept -> std::same_as<IoResult>;
      { ref.remove(slot, fd, FdFate::close) } noexcept;
      { ref.widen(slot, fd, Interest::write) } noexcept -> std::same_as<IoResult>;
      { ref.arm(slot, direction, task, identity) } noexcept -> std::same_as<Armed>;
      { ref.is_parked(const_slot, direction, task) } noexcept -> std::same_as<bool>;
      { ref.disarm(slot, direction, identity, task) } noexcept;
      { ref.start_timer(timer, deadline) } noexcept -> std::same_as<IoResult>;
      { ref.stop_timer(timer) } noexcept;
      { R::confined } -> std::convertible_to<bool>;  // all its tasks run on one thread
    };

/// The reactor as handles see it, for runtimes known only at run time.
class IReactor {
 public:
  virtual ~IReactor() = default;

  /// Registers a non-blocking descriptor. 0 and `out`, or -errno and no trace.
  virtual IoResult add(int fd, SourceKind kind, Interest interest, Registration*& out) noexcept = 0;
  /// Complete on return: no event of that life is delivered afterwards, whoever was parked is woken and finds -EBADF.
  virtual void remove(Registration& slot, int fd, FdFate fate) noexcept = 0;
  virtual IoResult widen(Registration& slot, int fd, Interest interest) noexcept = 0;

  /// Parks the task, or says why not. See readiness::arm for `identity`.
  virtual Armed arm(Registration& slot, Direction direction, TaskHeader& task, std::uint64_t& identity) noexcept = 0;
  virtual bool is_parked(const Registration& slot, Direction direction, const TaskHeader& task) noexcept = 0;
  virtual void disarm(Registration& slot, Direction direction, std::uint64_t identity, const TaskHeader& task) noexcept = 0;

  /// `timer.task` is woken, and `timer.fired` set, at the deadline. 0; -ESHUTDOWN: the reactor is gone; -EXDEV: this isn't its
  /// thread.
  virtual IoResult start_timer(Timer& timer, TimePoint deadline) noexcept = 0;
  virtual void stop_timer(Timer& timer) noexcept = 0;
};

/// A Ref that forwards through a pointer, or whatever else leads to a reactor by ->.
template <class Pointer>
class PointerRef {
 public:
  static constexpr bool confined = false;

  explicit PointerRef(Pointer reactor) noexcept : reactor_{std::move(reactor)} {}

  IoResult add(int fd, SourceKind kind, Interest interest, Registration*& out) const noexcept {
    return reactor_->add(fd, kind, interest, out);
  }
  void remove(Registration& slot, int fd, FdFate fate) const noexcept { reactor_->remove(slot, fd, fate); }
  IoResult widen(Registration& slot, int fd, Interest interest) const noexcept { return reactor_->widen(slot, fd, interest); }
  [[gnu::always_inline]] Armed arm(Registration& slot, Direction direction, TaskHeader& task,
                                   std::uint64_t& identity) const noexcept {
    return reactor_->arm(slot, direction, task, identity);
  }
  bool is_parked(const Registration& slot, Direction direction, const TaskHeader& task) const noexcept {
    return reactor_->is_parked(slot, direction, task);
  }
  void disarm(Registration& slot, Direction direction, std::uint64_t identity, const TaskHeader& task) const noexcept {
    reactor_->disarm(slot, direction, identity, task);
  }
  IoResult start_timer(Timer& timer, TimePoint deadline) const noexcept { return reactor_->start_timer(timer, deadline); }
  void stop_timer(Timer& timer) const noexcept { reactor_->stop_timer(timer); }

 private:
  Pointer reactor_;
};

using VirtualRef = PointerRef<std::shared_ptr<IReactor>>;

/// Any home's Ref behind IReactor.
template <ReactorRef Ref>
class ReactorOf final : public IReactor {
 public:
  explicit ReactorOf(Ref ref) noexcept : ref_{std::move(ref)} {}

  IoResult add(int fd, SourceKind kind, Interest interest, Registration*& out) noexcept override {
    return ref_.add(fd, kind, interest, out);
  }
  void remove(Registration& slot, int fd, FdFate fate) noexcept override { ref_.remove(slot, fd, fate); }
  IoResult widen(Registration& slot, int fd, Interest interest) noexcept override { return ref_.widen(slot, fd, interest); }
  Armed arm(Registration& slot, Direction direction, TaskHeader& task, std::uint64_t& identity) noexcept override {
    return ref_.arm(slot, direction, task, identity);
  }
  bool is_parked(const Registration& slot, Direction direction, const TaskHeader& task) noexcept override {
    return ref_.is_parked(slot, direction, task);
  }
  void disarm(Registration& slot, Direction direction, std::uint64_t identity, const TaskHeader& task) noexcept override {
    ref_.disarm(slot, direction, identity, task);
  }
  IoResult start_timer(Timer& timer, TimePoint deadline) noexcept override { return ref_.start_timer(timer, deadline); }
  void stop_timer(Timer& timer) noexcept override { ref_.stop_timer(timer); }

 private:
  Ref ref_;
};

}  // namespace reactorlab
