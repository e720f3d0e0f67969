#pragma once
// handle_acquire: from a runtime to its reactor, what every new handle and timer does first. One operation is a reference taken and
// dropped.

#include <algorithm>
#include <chrono>
#include <thread>

#include "core/reactorlab.hpp"
#include "harness/scenarios/timer_insert_cancel.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

/// Keeps the compiler from leaving out what nobody uses.
template <class T>
void keep(T& value) noexcept {
  asm volatile("" : : "r"(&value) : "memory");
}

/// Does that reference lead to this runtime's reactor? A timer that it starts is pending there.
template <class Rt>
Task<bool> leads_home(Rt& runtime, typename Rt::Ref ref) {
  const std::uint64_t others = runtime.stats().pending_timers;
  SleepOperation<typename Rt::Ref> sleep{std::move(ref), clock::now() + std::chrono::hours{1}};
  const bool pending = co_await Started{sleep};
  co_return pending&& runtime.stats().pending_timers == others + 1;
}

/// One in so many is proven; a batch counts as its proof says.
template <class Rt>
Task<> acquire(Rt& runtime, std::uint64_t count, InProcessReport& report) {
  constexpr std::uint64_t batch = 16 * 1024;
  for (std::uint64_t done = 0; done < count;) {
    const std::uint64_t these = std::min(batch, count - done);
    for (std::uint64_t i = 1; i < these; ++i) {
      typename Rt::Ref ref = runtime.ref();
      keep(ref);
    }
    (co_await leads_home(runtime, runtime.ref()) ? report.operations : report.errors) += these;
    done += these;
  }
}

template <class Rt>
Task<> handle_acquire_inside(Rt& runtime, const InProcessRequest& request, InProcessReport& report) {
  InProcessReport warm_up;
  co_await acquire(runtime, warm_up_operations, warm_up);
  open_window(request);
  co_await acquire(runtime, request.operations, report);
  close_window(request);
  report.errors += warm_up.errors;
}

/// Somewhere else it is either allowed or refused, as the runtime's capabilities say.
template <class Rt>
bool is_refused_elsewhere(Rt& runtime) {
  bool refused = false;
  std::thread elsewhere{[&] {
    try {
      typename Rt::Ref ref = runtime.ref();
      keep(ref);
    } catch (const UsageError&) {
      refused = true;
    }
  }};
  elsewhere.join();
  return refused;
}

template <class Rt>
InProcessReport handle_acquire(Rt& runtime, const InProcessRequest& request) {
  InProcessReport report;
  runtime.block_on(handle_acquire_inside(runtime, request, report));
  report.errors += is_refused_elsewhere(runtime) == runtime.info().capabilities.foreign_registration;
  return report;
}

}  // namespace reactorlab::scenarios
