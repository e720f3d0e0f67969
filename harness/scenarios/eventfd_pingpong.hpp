#pragma once
// eventfd_pingpong: two tasks, two eventfds, one number to and fro. One operation is a round trip: two events, two wakes.

#include "core/reactorlab.hpp"
#include "harness/scenarios/descriptors.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

template <class Rt>
Task<> return_numbers(BasicAsyncFd<Rt>& from, int to, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t number = 0;
    if (!co_await from.read(bytes_of(number))) co_return;
    put(to, number);
  }
}

template <class Rt>
Task<> play(int to, BasicAsyncFd<Rt>& from, std::uint64_t first, std::uint64_t count, InProcessReport& report) {
  for (std::uint64_t number = first + 1; number <= first + count; ++number) {
    put(to, number);
    std::uint64_t returned = 0;
    const IoResult n = co_await from.read(bytes_of(returned));
    verify(report, n == IoResult{sizeof returned} && returned == number);
  }
}

template <class Rt>
Task<> eventfd_pingpong_inside(Rt& runtime, const InProcessRequest& request, InProcessReport& report) {
  auto there = BasicAsyncFd<Rt>::own(runtime, make_eventfd());
  auto back = BasicAsyncFd<Rt>::own(runtime, make_eventfd());
  JoinHandle<void> other = runtime.spawn(return_numbers(there, back.fd(), warm_up_operations + request.operations));
  InProcessReport warm_up;
  co_await play(there.fd(), back, 0, warm_up_operations, warm_up);
  open_window(request);
  co_await play(there.fd(), back, warm_up_operations, request.operations, report);
  close_window(request);
  report.errors += warm_up.errors;
  co_await other;
}

template <class Rt>
InProcessReport eventfd_pingpong(Rt& runtime, const InProcessRequest& request) {
  InProcessReport report;
  runtime.block_on(eventfd_pingpong_inside(runtime, request, report));
  return report;
}

}  // namespace reactorlab::scenarios
