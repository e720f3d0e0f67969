#pragma once
// Several threads that run tasks do a workload together. Where a runtime may have several workers they are the workers of one
// runtime; where it is confined to its thread each thread has a runtime of its own. That is how one would use either.
//
// A body is a callable
//   Task<> body(Rt& runtime, unsigned member, std::uint64_t operations, InProcessReport& report)
// run twice by each member, for the warm-up and in the window, with the number of operations that all members do together.

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "core/reactorlab.hpp"
#include "harness/scenarios/counters.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

/// Who is there, who has finished, and what each says.
class Roll {
 public:
  explicit Roll(unsigned members)
      : missing_{members}, working_{members}, start_{std::make_unique<AutoResetEvent[]>(members)}, reports_(members) {}

  unsigned members() const noexcept { return static_cast<unsigned>(reports_.size()); }
  InProcessReport& report(unsigned member) noexcept { return reports_[member]; }

  // --- a member's
  void arrive() noexcept {
    if (missing_.fetch_sub(1, std::memory_order_acq_rel) == 1) all_there_.set();
  }
  auto started(unsigned member) noexcept { return start_[member].wait(); }
  void leave() noexcept {
    if (working_.fetch_sub(1, std::memory_order_acq_rel) == 1) all_done_.set();
  }

  // --- the leader's
  auto all_there() noexcept { return all_there_.wait(); }
  void start_all() noexcept {
    for (unsigned member = 0; member < members(); ++member) start_[member].set();
  }
  auto all_done() noexcept { return all_done_.wait(); }
  InProcessReport total() const {
    InProcessReport sum;
    for (const InProcessReport& one : reports_) {
      sum.operations += one.operations;
      sum.errors += one.errors;
      for (const auto& [name, count] : one.counters) sum.counters[name] += count;
    }
    return sum;
  }

 private:
  std::atomic<unsigned> missing_, working_;
  AutoResetEvent all_there_, all_done_;
  std::unique_ptr<AutoResetEvent[]> start_;
  std::vector<InProcessReport> reports_;  // each its member's, until it leaves
};

/// `separate`: the runtime is this member's alone, and its counts are added.
template <class Rt, class Body>
Task<> take_part(Rt& runtime, Roll& roll, unsigned member, const InProcessRequest& request, Body& body, bool separate) {
  InProcessReport warm_up;
  co_await body(runtime, member, warm_up_operations, warm_up);
  roll.arrive();
  co_await roll.started(member);
  RuntimeStats before;
  if (separate) before = runtime.stats();
  InProcessReport& report = roll.report(member);
  co_await body(runtime, member, request.operations, report);
  if (separate) add_counters<Rt>(report, before, runtime.stats());
  report.errors += warm_up.errors;
  roll.leave();
}

inline Task<> lead(Roll& roll, const InProcessRequest& request, std::vector<JoinHandle<void>> members_here) {
  co_await roll.all_there();
  open_window(request);
  roll.start_all();
  co_await roll.all_done();
  close_window(request);
  for (JoinHandle<void>& member : members_here) co_await member;
}

/// Adds what tasks of a member's own report, once they have ended.
inline Task<> join_all(std::vector<JoinHandle<InProcessReport>>& tasks, InProcessReport& report) {
  for (JoinHandle<InProcessReport>& task : tasks) {
    const InProcessReport part = co_await task;
    report.operations += part.operations;
    report.errors += part.errors;
  }
}

enum class Places : bool {
  natural,   ///< workers of one runtime where that is possible
  separate,  ///< a runtime for each member, whatever the home
};

/// Member 0 is in `runtime`.
template <class Rt, class Body>
InProcessReport run_crew(Rt& runtime, unsigned members, const InProcessRequest& request, Body body,
                         Places places = Places::natural) {
  Roll roll{members};
  const bool apart = Rt::Ref::confined || places == Places::separate;
  std::vector<JoinHandle<void>> here;
  std::vector<std::thread> elsewhere;
  for (unsigned member = 0; member < members; ++member) {
    if (apart && member > 0) {
      elsewhere.emplace_back([&, member] {
        if (places == Places::separate) take_foreign_place(request);
        Rt own{options_like(runtime, 1)};
        own.block_on(take_part(own, roll, member, request, body, true));
      });
    } else {
      here.push_back(runtime.spawn(take_part(runtime, roll, member, request, body, false)));
    }
  }
  runtime.block_on(lead(roll, request, std::move(here)));
  for (std::thread& thread : elsewhere) thread.join();
  return roll.total();
}

}  // namespace reactorlab::scenarios
