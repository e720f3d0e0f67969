#pragma once
// The reactor that handles reach, on a peer's loop. Ours: the registrations (core/shared_registrations.hpp), each with its
// generation and its waiters. The peer's: who waits for readiness and time.
//
// Peers report readiness to who asks for it, wait by wait, and as a level. So a wait begins when a task parks, and what nobody
// awaits needs no memory: the next wait asks the peer anew.

#include <memory>
#include <thread>
#include <vector>

#include "core/reactor_ref.hpp"
#include "core/shared_registrations.hpp"
#include "core/task.hpp"
#include "harness/adapters/executor.hpp"

namespace reactorlab::adapters {

enum class Shape : std::uint8_t {
  confined,  ///< one thread, which made the runtime, does everything; others may wake, spawn, cancel, and drop handles
  pool,      ///< N threads of the runtime's own; everything from any thread
};

class PeerReactor final : public IReactor, public std::enable_shared_from_this<PeerReactor>, SharedRegistrations<Locking::coarse> {
 public:
  PeerReactor(std::unique_ptr<Loop> loop, Shape shape);

  // --- IReactor -------------------------------------------------------------------------------------------------------------
  IoResult add(int fd, SourceKind kind, Interest interest, Registration*& out) noexcept override;
  void remove(Registration& slot, int fd, FdFate fate) noexcept override;
  IoResult widen(Registration& slot, int fd, Interest interest) noexcept override;
  Armed arm(Registration& slot, Direction direction, TaskHeader& task, std::uint64_t& identity) noexcept override;
  bool is_parked(const Registration& slot, Direction direction, const TaskHeader& task) noexcept override;
  void disarm(Registration& slot, Direction direction, std::uint64_t identity, const TaskHeader& task) noexcept override;
  IoResult start_timer(Timer& timer, TimePoint deadline) noexcept override;
  void stop_timer(Timer& timer) noexcept override;

  // --- the runtime's side ---------------------------------------------------------------------------------------------------

  /// What the loop reports.
  void ready(Token token, std::uint32_t mask) noexcept;

  Loop& loop() noexcept { return *loop_; }
  /// A shutdown: no newcomers, and who waits is woken and finds -ESHUTDOWN. Of the listeners, or of all handles and timers.
  void refuse(bool listeners_only) noexcept;
  ReactorStats stats() noexcept;
  /// False on a thread that may not register.
  bool usable_here() const noexcept { return shape_ == Shape::pool || owner_ == std::this_thread::get_id(); }

  /// Confined: where removals that other threads ask for are carried out; nullptr: the loop is closed, and they carry them out
  /// themselves. On the owner's thread.
  void set_executor(PostingExecutor* executor) noexcept;

 private:
  struct Removal {
    Registration* slot;
    int fd;
    FdFate fate;
  };

  void remove_here(Registration& slot, int fd, FdFate fate) noexcept;
  void remove_elsewhere(Registration& slot, int fd, FdFate fate) noexcept;
  void carry_out_removals() noexcept;
  static Task<> carry_out(std::shared_ptr<PeerReactor> reactor);

  const std::unique_ptr<Loop> loop_;
  const Shape shape_;
  const std::thread::id owner_ = std::this_thread::get_id();

  PlainMutex removals_mutex_;
  PostingExecutor* executor_ = nullptr;  // guarded by removals_mutex_
  std::vector<Removal> removals_;        // guarded by removals_mutex_
};

}  // namespace reactorlab::adapters
