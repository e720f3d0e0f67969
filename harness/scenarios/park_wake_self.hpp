#pragma once
// park_wake_self: one task parks on an eventfd that it has itself made readable by then. One operation is the whole cycle: park,
// wait of the reactor, event, wake, read.

#include "core/reactorlab.hpp"
#include "harness/scenarios/descriptors.hpp"
#include "harness/scenarios/park_then.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

/// The numbers from 1 on, each written while the task is parked already.
template <class Rt>
Task<> park_and_wake(BasicAsyncFd<Rt>& source, std::uint64_t count, InProcessReport& report) {
  for (std::uint64_t i = 1; i <= count; ++i) {
    std::uint64_t value = 0;
    const IoResult n = co_await park_then(source.read(bytes_of(value)), [fd = source.fd(), i] { put(fd, i); });
    verify(report, n == IoResult{sizeof value} && value == i);
  }
}

/// The same with a descriptor of its own.
template <class Rt>
Task<> park_and_wake(Rt& runtime, std::uint64_t count, InProcessReport& report) {
  auto source = BasicAsyncFd<Rt>::own(runtime, make_eventfd());
  co_await park_and_wake(source, count, report);
}

template <class Rt>
Task<> park_wake_self_inside(Rt& runtime, const InProcessRequest& request, InProcessReport& report) {
  auto source = BasicAsyncFd<Rt>::own(runtime, make_eventfd());
  InProcessReport warm_up;
  co_await park_and_wake(source, warm_up_operations, warm_up);
  open_window(request);
  co_await park_and_wake(source, request.operations, report);
  close_window(request);
  report.errors += warm_up.errors;
}

template <class Rt>
InProcessReport park_wake_self(Rt& runtime, const InProcessRequest& request) {
  InProcessReport report;
  runtime.block_on(park_wake_self_inside(runtime, request, report));
  return report;
}

}  // namespace reactorlab::scenarios
