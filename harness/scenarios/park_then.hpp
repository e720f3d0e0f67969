#pragma once
// co_await park_then(source.read(...), [&] { ... }): parks the task first and then does what ends its wait. So one task sees a
// whole cycle, park, event, wake, read, although the first attempt of an operation never waits for what is there already.

#include <coroutine>

#include "core/leaf.hpp"

namespace reactorlab::scenarios {

/// Not for what could be ready: then nothing parks, and `then` may not be called at all.
template <class Inner, class Then>
class ParkThenOperation {
 public:
  ParkThenOperation(TaskHeader& task, const Inner& request, const Then& then) noexcept
      : operation_{request.start(task)}, then_{then} {}
  ParkThenOperation(const ParkThenOperation&) = delete;

  bool await_ready() noexcept { return operation_.await_ready(); }
  template <TaskPromise Promise>
  bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
    if (!operation_.await_suspend(frame)) return false;
    then_();  // a wake that it brings finds the task running still: it is polled again, here, once this has returned
    return true;
  }
  auto await_resume() { return operation_.await_resume(); }

 private:
  typename Inner::OperationType operation_;
  Then then_;
};

template <class Inner, class Then>
auto park_then(Inner request, Then then) {
  return Request<ParkThenOperation<Inner, Then>, Inner, Then>{request, then};
}

}  // namespace reactorlab::scenarios
