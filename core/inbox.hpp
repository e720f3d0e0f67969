#pragma once
// How other threads reach a confined executor: a stack of task headers, linked through their `remote` words. A header is in it
// at most once (the queued bit); further requests are added to the word while it waits.

#include <cstdint>

#include "core/mutation.hpp"
#include "core/sync.hpp"
#include "core/task_arena.hpp"
#include "core/task_header.hpp"

namespace reactorlab {

class Inbox {
 public:
  /// Any thread. `task`'s queued bit was set by the caller, which keeps the task, its executor and this inbox alive until the
  /// task has been drained; `knock()` is called, still safely, if the owner may be asleep.
  template <class Knock>
  void push(TaskHeader& task, Knock&& knock) noexcept {
    push_if([] { return true; }, task, knock);
  }
  /// The same if open() says so, which is asked when visited() is true of us; else false.
  template <class Open, class Knock>
  bool push_if(Open&& open, TaskHeader& task, Knock&& knock) noexcept {
    visitors_.fetch_add(1, seq_cst);  // before the push: who drains the task sees us
    if (!open()) {
      visitors_.fetch_sub(1, release);
      return false;
    }
    const std::uint32_t mine = TaskArena::offset_of(task);
    std::uint32_t link = 0;
    std::uint32_t head = head_.load(relaxed);
    do {
      // Others may add requests at any moment, so the link is exchanged by adding the difference.
      task.remote.fetch_add(std::uint64_t{head} - link, relaxed);
      link = head;
      // head -> mine, with the former head behind it. Losing: another thread pushed, or the owner drained.
    } while (!head_.compare_exchange_weak(head, mine, seq_cst, relaxed));
    sync_point(SyncPoint::wake_before_signal);
    if (asleep_.load(seq_cst) && (mutated(Mutant::kick_for_every_wake) || asleep_.exchange(false, seq_cst))) knock();
    visitors_.fetch_sub(1, release);
    return true;
  }

  // --- the owner's side ---------------------------------------------------------------------------------------------------

  bool empty() const noexcept { return head_.load(relaxed) == 0; }

  /// Announces the wait; from here on a push knocks. False: something came first, don't wait.
  bool fall_asleep() noexcept {
    asleep_.store(true, seq_cst);
    return head_.load(seq_cst) == 0;
  }
  void awake() noexcept { asleep_.store(false, relaxed); }

  /// Calls take(TaskHeader&, requests) for everything that came, oldest first. The queued bit is cleared before the call.
  template <class Take>
  bool drain(Take&& take) noexcept {
    if (empty()) [[likely]]
      return false;
    std::uint32_t newest = head_.exchange(0, acquire);
    std::uint32_t oldest = 0;
    while (newest) {  // reverse the stack in place
      TaskHeader& task = TaskArena::at(newest);
      const std::uint32_t behind = link_of(task.remote.load(acquire));
      task.remote.fetch_add(std::uint64_t{oldest} - behind, relaxed);
      oldest = newest;
      newest = behind;
    }
    while (oldest) {
      TaskHeader& task = TaskArena::at(oldest);
      // {generation, queued | requests, link} -> {generation, idle}: requests that come now queue it anew.
      const std::uint64_t word = task.remote.fetch_and(~std::uint64_t{UINT32_MAX}, acq_rel);
      oldest = link_of(word);
      take(task, word & TaskHeader::remote_flags);
    }
    return true;
  }

  /// True while some thread is still inside push().
  bool visited() const noexcept { return visitors_.load(seq_cst) != 0; }

 private:
  static std::uint32_t link_of(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word & ~TaskHeader::remote_flags); }

  alignas(64) Atomic<std::uint32_t> head_{0};  // arena offset of the newest
  Atomic<bool> asleep_{false};
  Atomic<std::uint32_t> visitors_{0};
};

}  // namespace reactorlab
