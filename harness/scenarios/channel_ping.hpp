#pragma once
// channel_ping: a number goes through one channel to another task and comes back through a second one. Tasks only: no reactor is in
// the path but for the turn that is owed to it every so often.

#include "core/reactorlab.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

struct ChannelPair {
  Channel<std::uint64_t> there{1}, back{1};
};

/// Until the channel is closed.
inline Task<> send_back(ChannelPair& channels) {
  while (const std::optional<std::uint64_t> number = co_await channels.there.receive()) {
    if (!co_await channels.back.send(*number)) co_return;
  }
}

inline Task<> ping_through(ChannelPair& channels, std::uint64_t count, InProcessReport& report) {
  for (std::uint64_t i = 1; i <= count; ++i) {
    const bool sent = co_await channels.there.send(i);
    const std::optional<std::uint64_t> number = co_await channels.back.receive();
    verify(report, sent && number == i);
  }
}

template <class Rt>
Task<> channel_ping_inside(Rt& runtime, const InProcessRequest& request, InProcessReport& report) {
  ChannelPair channels;
  JoinHandle<void> other = runtime.spawn(send_back(channels));
  InProcessReport warm_up;
  co_await ping_through(channels, warm_up_operations, warm_up);
  open_window(request);
  co_await ping_through(channels, request.operations, report);
  close_window(request);
  report.errors += warm_up.errors;
  channels.there.close();
  co_await other;
  report.errors += channels.back.try_receive().has_value();  // one too many
}

template <class Rt>
InProcessReport channel_ping(Rt& runtime, const InProcessRequest& request) {
  InProcessReport report;
  runtime.block_on(channel_ping_inside(runtime, request, report));
  return report;
}

}  // namespace reactorlab::scenarios
