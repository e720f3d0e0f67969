#pragma once
// proxy: flows between two sockets, each message carried from one to the other and its echo back. One operation is a round trip
// through the proxy. With two threads clients and echoes live on one, the proxy on the other, so far as their home decides that.

#include <vector>

#include "core/reactorlab.hpp"
#include "harness/scenarios/crew.hpp"
#include "harness/scenarios/descriptors.hpp"
#include "harness/scenarios/pipe_echo.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

/// client.first - client.second = proxy = echo.first - echo.second
struct Flow {
  Ends client = make_socketpair();
  Ends echo = make_socketpair();
};

template <class Rt>
BasicAsyncFd<Rt> duplex(Rt& runtime, const UniqueFd& end) {
  return BasicAsyncFd<Rt>::borrow(runtime, end.get(), Interest::both);
}

template <class Rt>
Task<InProcessReport> be_client(Rt& runtime, const Flow& flow, std::uint64_t count) {
  InProcessReport report;
  auto socket = duplex(runtime, flow.client.first);
  co_await exchange_messages(socket, socket, 0, count, report);
  co_return report;
}

template <class Rt>
Task<> be_echo(Rt& runtime, const Flow& flow, std::uint64_t count) {
  auto socket = duplex(runtime, flow.echo.second);
  co_await echo_messages(socket, socket, count);
}

template <class Rt>
Task<> be_proxy(Rt& runtime, const Flow& flow, std::uint64_t count) {
  auto left = duplex(runtime, flow.client.second);
  auto right = duplex(runtime, flow.echo.first);
  JoinHandle<void> back = runtime.spawn(echo_messages(right, left, count));
  co_await echo_messages(left, right, count);
  co_await back;
}

template <class Rt>
Task<> run_flows(Rt& runtime, const std::vector<Flow>& flows, bool ends_here, bool proxy_here, std::uint64_t total,
                 InProcessReport& report) {
  std::vector<JoinHandle<InProcessReport>> clients;
  std::vector<JoinHandle<void>> others;
  for (std::size_t i = 0; i < flows.size(); ++i) {
    const std::uint64_t count = share_of(total, flows.size(), i);
    if (proxy_here) others.push_back(runtime.spawn(be_proxy(runtime, flows[i], count)));
    if (!ends_here) continue;
    others.push_back(runtime.spawn(be_echo(runtime, flows[i], count)));
    clients.push_back(runtime.spawn(be_client(runtime, flows[i], count)));
  }
  co_await join_all(clients, report);
  for (JoinHandle<void>& one : others) co_await one;
}

/// params: flows; threads, 1 or 2.
template <class Rt>
InProcessReport proxy(Rt& runtime, const InProcessRequest& request) {
  const unsigned members = threads_param(request);
  if (members > 2) throw std::invalid_argument{"proxy: one thread has both sides of the flows, or two have one each"};
  const std::vector<Flow> flows(count_param(request, "flows"));
  return run_crew(runtime, members, request, [&](Rt& here, unsigned member, std::uint64_t count, InProcessReport& report) {
    return run_flows(here, flows, member == 0, member + 1 == members, count, report);
  });
}

}  // namespace reactorlab::scenarios
