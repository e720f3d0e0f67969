#pragma once
// reg_churn: the life of a registration. One operation: a new eventfd, registered, readable once, deregistered, closed.

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <span>

#include "core/reactorlab.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

/// The descriptor that the other task makes readable, once the owner waits for it.
struct Doorbell {
  int fd = -1;
  std::uint64_t value = 0;
  bool over = false;
  AutoResetEvent wanted;
};

inline Task<> ring_when_wanted(std::shared_ptr<Doorbell> bell) {
  for (;;) {
    co_await bell->wanted.wait();
    if (bell->over) co_return;
    const std::uint64_t value = bell->value;         // the bell is the other task's again as soon as the kernel has the value
    (void)!::write(bell->fd, &value, sizeof value);  // what isn't written isn't read: the reader counts
  }
}

template <class Rt>
Task<> live_and_die(Rt& runtime, Doorbell& bell, std::uint64_t count, InProcessReport& report) {
  for (std::uint64_t i = 1; i <= count; ++i) {
    bell.fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (bell.fd < 0) throw_errno(errno, "eventfd", "raise the limit of open files: ulimit -n");
    bell.value = i;
    auto source = BasicAsyncFd<Rt>::own(runtime, bell.fd);
    bell.wanted.set();
    std::uint64_t rung = 0;
    const IoResult n = co_await source.read(std::as_writable_bytes(std::span{&rung, 1}));
    verify(report, n == IoResult{sizeof rung} && rung == i);
  }
}

template <class Rt>
Task<> reg_churn_inside(Rt& runtime, const InProcessRequest& request, InProcessReport& report) {
  const auto shared = std::make_shared<Doorbell>();
  Doorbell& bell = *shared;
  JoinHandle<void> ringing = runtime.spawn(ring_when_wanted(shared));
  InProcessReport warm_up;
  co_await live_and_die(runtime, bell, warm_up_operations, warm_up);
  open_window(request);
  co_await live_and_die(runtime, bell, request.operations, report);
  close_window(request);
  report.errors += warm_up.errors;
  bell.over = true;
  bell.wanted.set();
  co_await ringing;
}

template <class Rt>
InProcessReport reg_churn(Rt& runtime, const InProcessRequest& request) {
  InProcessReport report;
  runtime.block_on(reg_churn_inside(runtime, request, report));
  return report;
}

}  // namespace reactorlab::scenarios
