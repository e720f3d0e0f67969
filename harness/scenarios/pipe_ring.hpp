#pragma once
// pipe_ring: tasks in a ring pass tokens on, each to its neighbour's pipe. One operation is a hop. With several threads neighbours
// live on different ones, so far as their home decides that; with more threads than CPUs it is the workload oversubscribe.

#include <memory>
#include <vector>

#include "core/reactorlab.hpp"
#include "harness/scenarios/crew.hpp"
#include "harness/scenarios/descriptors.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

/// Token t starts at place t * places / tokens and makes its share of all hops, numbered from 1; hop h ends h - 1 places further
/// on.
class Ring {
 public:
  Ring(std::uint64_t places, std::uint64_t tokens) : tokens_{tokens} {
    for (std::uint64_t i = 0; i < places; ++i) pipes_.push_back(make_pipe());
  }
  std::uint64_t places() const noexcept { return pipes_.size(); }
  std::uint64_t tokens() const noexcept { return tokens_; }
  int fd_of(std::uint64_t place) const noexcept { return pipes_[place].first.get(); }
  void send(std::uint64_t place, std::uint64_t token, std::uint64_t hop) const noexcept {
    put(pipes_[place % places()].second.get(), token << hop_bits | hop);
  }
  /// Puts the token where it starts, if it goes anywhere.
  void start(std::uint64_t token, std::uint64_t total) const noexcept {
    if (hops_of(token, total) != 0) send(start_of(token), token, 1);
  }

  static std::uint64_t token_of(std::uint64_t message) noexcept { return message >> hop_bits; }
  static std::uint64_t hop_of(std::uint64_t message) noexcept { return message & ((std::uint64_t{1} << hop_bits) - 1); }
  std::uint64_t start_of(std::uint64_t token) const noexcept { return token * places() / tokens_; }
  std::uint64_t hops_of(std::uint64_t token, std::uint64_t total) const noexcept { return share_of(total, tokens_, token); }
  /// The first hop of the token that ends at that place.
  std::uint64_t first_hop_at(std::uint64_t place, std::uint64_t token) const noexcept {
    return (place + places() - start_of(token)) % places() + 1;
  }
  std::uint64_t visits(std::uint64_t place, std::uint64_t token, std::uint64_t total) const noexcept {
    const std::uint64_t first = first_hop_at(place, token), hops = hops_of(token, total);
    return first > hops ? 0 : (hops - first) / places() + 1;
  }

 private:
  static constexpr unsigned hop_bits = 48;
  std::vector<Ends> pipes_;
  const std::uint64_t tokens_;
};

/// What one place does: takes what is due there and passes it on.
template <class Rt>
Task<InProcessReport> pass_tokens(Rt& runtime, const Ring& ring, std::uint64_t place, std::uint64_t total) {
  auto source = BasicAsyncFd<Rt>::borrow(runtime, ring.fd_of(place));
  std::vector<std::uint64_t> due;  // hop of each token that ends here next
  std::uint64_t visits = 0;
  for (std::uint64_t token = 0; token < ring.tokens(); ++token) {
    due.push_back(ring.first_hop_at(place, token));
    visits += ring.visits(place, token, total);
  }
  InProcessReport report;
  for (; visits != 0; --visits) {
    std::uint64_t message = 0;
    const IoResult n = co_await source.read(bytes_of(message));
    const std::uint64_t token = Ring::token_of(message), hop = Ring::hop_of(message);
    const bool right = n == IoResult{sizeof message} && token < ring.tokens() && hop == due[token];
    verify(report, right);
    if (!right) continue;
    due[token] += ring.places();
    if (hop < ring.hops_of(token, total)) ring.send(place + 1, token, hop + 1);
  }
  co_return report;
}

/// A member has every so many places.
template <class Rt>
Task<> have_places(Rt& runtime, const Ring& ring, unsigned member, unsigned members, std::uint64_t total, InProcessReport& report) {
  std::vector<JoinHandle<InProcessReport>> passing;
  for (std::uint64_t place = member; place < ring.places(); place += members)
    passing.push_back(runtime.spawn(pass_tokens(runtime, ring, place, total)));
  for (std::uint64_t token = member; token < ring.tokens(); token += members) ring.start(token, total);
  co_await join_all(passing, report);
}

/// params: tasks, tokens, threads.
template <class Rt>
InProcessReport pipe_ring(Rt& runtime, const InProcessRequest& request) {
  const unsigned members = threads_param(request);
  const Ring ring{count_param(request, "tasks"), count_param(request, "tokens")};
  return run_crew(runtime, members, request, [&](Rt& here, unsigned member, std::uint64_t count, InProcessReport& report) {
    return have_places(here, ring, member, members, count, report);
  });
}

}  // namespace reactorlab::scenarios
