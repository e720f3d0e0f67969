#pragma once
// fd_reuse: a descriptor is closed with an event under way, and its number opened again for something else. One operation: the
// newcomer gets its own event and nothing of its predecessor's.

#include "core/reactorlab.hpp"
#include "harness/scenarios/descriptors.hpp"
#include "harness/scenarios/park_then.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

inline constexpr std::uint64_t predecessors_value = std::uint64_t{1} << 40;

template <class Rt>
Task<> reuse_number(Rt& runtime, std::uint64_t count, InProcessReport& report) {
  for (std::uint64_t i = 1; i <= count; ++i) {
    const int first = make_eventfd();
    auto predecessor = BasicAsyncFd<Rt>::own(runtime, first);
    put(first, predecessors_value);
    predecessor.close();
    const int second = make_eventfd();
    auto newcomer = BasicAsyncFd<Rt>::own(runtime, second);
    std::uint64_t value = 0;
    const IoResult n = co_await park_then(newcomer.read(bytes_of(value)), [second, i] { put(second, i); });
    verify(report, second == first && n == IoResult{sizeof value} && value == i);
  }
}

template <class Rt>
Task<> fd_reuse_inside(Rt& runtime, const InProcessRequest& request, InProcessReport& report) {
  InProcessReport warm_up;
  co_await reuse_number(runtime, warm_up_operations, warm_up);
  open_window(request);
  co_await reuse_number(runtime, request.operations, report);
  close_window(request);
  report.errors += warm_up.errors;
}

template <class Rt>
InProcessReport fd_reuse(Rt& runtime, const InProcessRequest& request) {
  InProcessReport report;
  runtime.block_on(fd_reuse_inside(runtime, request, report));
  return report;
}

}  // namespace reactorlab::scenarios
