#pragma once
// migrate: a descriptor is handed to and fro between two threads that run tasks, and each waits for one event of it. One operation
// is a hand-over with its event. Where a handle is valid on any thread it is simply passed on; a confined home registers it anew.

#include <array>
#include <optional>

#include "core/reactorlab.hpp"
#include "harness/scenarios/crew.hpp"
#include "harness/scenarios/descriptors.hpp"
#include "harness/scenarios/park_then.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

template <class Rt>
struct Baggage {
  UniqueFd fd{make_eventfd()};
  std::optional<BasicAsyncFd<Rt>> handle;  // of whoever's turn it is
  std::array<AutoResetEvent, 2> turn;
};

template <class Rt>
Task<> carry_in_turns(Rt& runtime, Baggage<Rt>& baggage, unsigned member, std::uint64_t count, InProcessReport& report) {
  for (std::uint64_t i = member + 1; i <= count; i += 2) {
    if (i > 1) co_await baggage.turn[member].wait();
    if (!baggage.handle) baggage.handle.emplace(BasicAsyncFd<Rt>::borrow(runtime, baggage.fd.get()));
    std::uint64_t value = 0;
    const IoResult n = co_await park_then(baggage.handle->read(bytes_of(value)), [fd = baggage.fd.get(), i] { put(fd, i); });
    verify(report, n == IoResult{sizeof value} && value == i);
    if (Rt::Ref::confined || i == count) baggage.handle.reset();
    if (i < count) baggage.turn[1 - member].set();
  }
}

template <class Rt>
InProcessReport migrate(Rt& runtime, const InProcessRequest& request) {
  Baggage<Rt> baggage;
  return run_crew(runtime, 2, request, [&](Rt& here, unsigned member, std::uint64_t count, InProcessReport& report) {
    return carry_in_turns(here, baggage, member, count, report);
  });
}

}  // namespace reactorlab::scenarios
