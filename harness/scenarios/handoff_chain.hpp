#pragma once
// handoff_chain: an event comes, and its task hands the work on to the next one, that one to its next, until the last of them
// answers. One operation is an event with all its hops; what a hop costs is the difference between chains of different lengths.

#include <memory>
#include <vector>

#include "core/reactorlab.hpp"
#include "harness/scenarios/descriptors.hpp"
#include "harness/scenarios/park_then.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

struct HopChain {
  explicit HopChain(std::uint64_t hops) : links{std::make_unique<AutoResetEvent[]>(hops + 1)} {}
  std::unique_ptr<AutoResetEvent[]> links;
  std::uint64_t number = 0;  // published by each link
};

/// -> how many events were wrong when they came by
inline Task<std::uint64_t> pass_on(HopChain& chain, std::uint64_t index, std::uint64_t total) {
  std::uint64_t wrong = 0;
  for (std::uint64_t i = 1; i <= total; ++i) {
    co_await chain.links[index].wait();
    wrong += chain.number != i;
    chain.links[index + 1].set();
  }
  co_return wrong;
}

template <class Rt>
Task<> send_through(BasicAsyncFd<Rt>& source, HopChain& chain, std::uint64_t hops, std::uint64_t first, std::uint64_t count,
                    InProcessReport& report) {
  for (std::uint64_t number = first + 1; number <= first + count; ++number) {
    std::uint64_t value = 0;
    const IoResult n = co_await park_then(source.read(bytes_of(value)), [fd = source.fd(), number] { put(fd, number); });
    chain.number = value;
    chain.links[0].set();
    co_await chain.links[hops].wait();
    verify(report, n == IoResult{sizeof value} && chain.number == number);
  }
}

template <class Rt>
Task<> handoff_chain_inside(Rt& runtime, const InProcessRequest& request, InProcessReport& report) {
  const std::uint64_t hops = number_param(request, "hops");
  const std::uint64_t total = warm_up_operations + request.operations;
  HopChain chain{hops};
  auto source = BasicAsyncFd<Rt>::own(runtime, make_eventfd());
  std::vector<JoinHandle<std::uint64_t>> passing;
  for (std::uint64_t i = 0; i < hops; ++i) passing.push_back(runtime.spawn(pass_on(chain, i, total)));
  InProcessReport warm_up;
  co_await send_through(source, chain, hops, 0, warm_up_operations, warm_up);
  open_window(request);
  co_await send_through(source, chain, hops, warm_up_operations, request.operations, report);
  close_window(request);
  report.errors += warm_up.errors;
  for (JoinHandle<std::uint64_t>& one : passing) report.errors += co_await one;
}

/// params: hops; threads, the workers of a home that has several (a confined one has no second worker to hand on to).
template <class Rt>
InProcessReport handoff_chain(Rt& runtime, const InProcessRequest& request) {
  InProcessReport report;
  runtime.block_on(handoff_chain_inside(runtime, request, report));
  return report;
}

}  // namespace reactorlab::scenarios
