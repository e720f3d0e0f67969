#pragma once
// ready_hit: a read that never waits. The first attempt finds what it wants, and no reactor is asked.

#include <memory>

#include "core/reactorlab.hpp"
#include "harness/scenarios/descriptors.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

/// From a semaphore: an eventfd that gives one at a time.
template <class Rt>
Task<> take_ready(BasicAsyncFd<Rt>& source, std::uint64_t count, InProcessReport& report) {
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t one = 0;
    const IoResult n = co_await source.read(bytes_of(one));
    verify(report, n == IoResult{sizeof one} && one == 1);
  }
}

template <class Rt>
Task<> ready_hit_inside(Rt& runtime, const InProcessRequest& request, InProcessReport& report) {
  const int fd = make_eventfd(EFD_SEMAPHORE);
  auto source = BasicAsyncFd<Rt>::own(runtime, fd);
  put(fd, warm_up_operations + request.operations);
  InProcessReport warm_up;
  co_await take_ready(source, warm_up_operations, warm_up);
  const std::uint64_t registered = runtime.stats().epoll_ctl_calls;
  open_window(request);
  co_await take_ready(source, request.operations, report);
  close_window(request);
  report.errors += warm_up.errors;
  report.errors += get(fd).has_value();                            // more than was put in
  report.errors += runtime.stats().epoll_ctl_calls != registered;  // ready or not, it is registered once
}

template <class Rt>
InProcessReport ready_hit(Rt& runtime, const InProcessRequest& request) {
  InProcessReport report;
  runtime.block_on(ready_hit_inside(runtime, request, report));
  return report;
}

}  // namespace reactorlab::scenarios
