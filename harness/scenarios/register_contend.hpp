#pragma once
// register_contend: threads that run tasks register and deregister, each a descriptor of its own. One operation is one registration
// and the way back. (The shape of tokio#8450.)

#include "core/reactorlab.hpp"
#include "harness/scenarios/crew.hpp"
#include "harness/scenarios/descriptors.hpp"
#include "harness/scenarios/park_then.hpp"
#include "harness/scenarios/park_wake_self.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

/// A registration that the kernel has twice throws EEXIST; one that it hasn't delivers no event in the end.
template <class Rt>
Task<> register_again_and_again(Rt& runtime, std::uint64_t count, InProcessReport& report) {
  const UniqueFd fd{make_eventfd()};
  for (std::uint64_t i = 1; i <= count; ++i) {
    auto source = BasicAsyncFd<Rt>::borrow(runtime, fd.get());
    const bool registered = source.is_open();
    source.close();
    verify(report, registered && !source.is_open());
    if (i % 64 == 0) co_await yield();
  }
  InProcessReport event;
  auto source = BasicAsyncFd<Rt>::borrow(runtime, fd.get());
  co_await park_and_wake(source, 1, event);
  report.errors += event.operations != 1;
}

/// params: threads.
template <class Rt>
InProcessReport register_contend(Rt& runtime, const InProcessRequest& request) {
  const unsigned members = threads_param(request);
  return run_crew(runtime, members, request, [members](Rt& here, unsigned member, std::uint64_t count, InProcessReport& report) {
    return register_again_and_again(here, share_of(count, members, member), report);
  });
}

}  // namespace reactorlab::scenarios
