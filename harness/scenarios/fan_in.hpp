#pragma once
// fan_in: many tasks send to one through a channel. One operation is a message that arrived.

#include <vector>

#include "core/reactorlab.hpp"
#include "harness/scenarios/crew.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

struct Parcel {
  std::uint64_t sender, number;
};

struct Collection {
  explicit Collection(std::uint64_t count) : senders{count} {}
  const std::uint64_t senders;
  Channel<Parcel> channel{64};
};

inline Task<> send_parcels(Collection& table, std::uint64_t sender, std::uint64_t count) {
  for (std::uint64_t number = 1; number <= count; ++number)
    if (!co_await table.channel.send({sender, number})) co_return;
}

/// Each sender's in their order.
inline Task<> collect_parcels(Collection& table, std::uint64_t total, InProcessReport& report) {
  std::vector<std::uint64_t> latest(table.senders, 0);
  for (std::uint64_t i = 0; i < total; ++i) {
    const std::optional<Parcel> parcel = co_await table.channel.receive();
    const bool right = parcel && parcel->sender < latest.size() && parcel->number == latest[parcel->sender] + 1;
    verify(report, right);
    if (right) latest[parcel->sender] = parcel->number;
  }
  report.errors += table.channel.size() != 0;
}

/// Senders live on all threads in turn, the receiver on the first.
template <class Rt>
Task<> fan_in_on(Rt& runtime, Collection& table, unsigned member, unsigned members, std::uint64_t total, InProcessReport& report) {
  std::vector<JoinHandle<void>> sending;
  for (std::uint64_t i = member; i < table.senders; i += members)
    sending.push_back(runtime.spawn(send_parcels(table, i, share_of(total, table.senders, i))));
  if (member == 0) co_await collect_parcels(table, total, report);
  for (JoinHandle<void>& one : sending) co_await one;
}

/// params: senders, threads.
template <class Rt>
InProcessReport fan_in(Rt& runtime, const InProcessRequest& request) {
  const unsigned members = threads_param(request);
  Collection table{count_param(request, "senders")};
  return run_crew(runtime, members, request, [&](Rt& here, unsigned member, std::uint64_t count, InProcessReport& report) {
    return fan_in_on(here, table, member, members, count, report);
  });
}

}  // namespace reactorlab::scenarios
