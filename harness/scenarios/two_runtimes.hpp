#pragma once
// two_runtimes: two runtimes on two threads, with nothing to do with each other, each doing park_wake_self. The end of one leaves
// the other as it was.

#include "core/reactorlab.hpp"
#include "harness/scenarios/crew.hpp"
#include "harness/scenarios/park_wake_self.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

template <class Rt>
InProcessReport two_runtimes(Rt& runtime, const InProcessRequest& request) {
  InProcessReport report = run_crew(
      runtime, 2, request,
      [](Rt& own, unsigned member, std::uint64_t count, InProcessReport& mine) {
        return park_and_wake(own, share_of(count, 2, member), mine);
      },
      Places::separate);
  InProcessReport afterwards;  // the second runtime is gone
  runtime.block_on(park_and_wake(runtime, warm_up_operations, afterwards));
  report.errors += afterwards.operations != warm_up_operations;
  return report;
}

}  // namespace reactorlab::scenarios
