#pragma once
// What a message costs a runtime, in a scripted lockstep: in each round every connection gets one message before the reactor looks,
// and the next round begins when all have been echoed. The client is a task of the same runtime with one worker, so that nothing
// depends on the machine's scheduler, and its own transfers go past the library.

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <ostream>
#include <string>
#include <vector>

#include "harness/conformance/edge.hpp"
#include "harness/conformance/real_objects.hpp"
#include "harness/scenarios/echo.hpp"
#include "reactorlab/homes.hpp"

namespace reactorlab::economy {

constexpr unsigned connections = 64;
constexpr unsigned message_size = 64;

struct Subject {
  const char* label;
  const char* home;
  Locking locking;
  bool static_form;
  friend std::ostream& operator<<(std::ostream& out, const Subject& s) { return out << s.label; }
};

inline constexpr Subject subjects[] = {
    {"thread_local_static", "thread_local", Locking::coarse, true},
    {"thread_local_virtual", "thread_local", Locking::coarse, false},
    {"arc_mutex_coarse_static", "arc_mutex", Locking::coarse, true},
    {"arc_mutex_coarse_virtual", "arc_mutex", Locking::coarse, false},
    {"arc_mutex_fine_static", "arc_mutex", Locking::fine, true},
    {"arc_mutex_fine_virtual", "arc_mutex", Locking::fine, false},
};

/// The client's end of every connection.
using Peers = std::vector<conformance::Fd>;

inline void send_to_all(const Peers& peers) {
  const std::array<char, message_size> message{};
  for (const auto& peer : peers) {
    ASSERT_EQ(::send(peer.get(), message.data(), message.size(), MSG_DONTWAIT), ssize_t{message_size});
  }
}
/// -> whether the echo was there
inline bool receive_from(const conformance::Fd& peer) {
  std::array<char, message_size + 1> room;
  const ssize_t n = ::recv(peer.get(), room.data(), room.size(), MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return false;
  EXPECT_EQ(n, ssize_t{message_size});
  return true;
}

/// What `counter` counts in that many rounds, after two in which pools fill and sessions park. The window is inside one task: a
/// thread that calls block_on takes its frame from a pool of its own, and whether that has one left depends on which thread freed it.
/// The echo of the last connection comes last: the kernel reports in the order in which descriptors became ready. Only where tasks
/// reach the worker by two ways (dedicated_thread) another one may come a few polls later.
template <class Rt>
Task<std::uint64_t> play_rounds(Rt& rt, const Peers& peers, std::uint64_t (*counter)(), unsigned rounds) {
  constexpr unsigned warm_up = 2;
  auto last = BasicAsyncFd<Rt>::borrow(rt, peers.back().get());
  std::uint64_t before = 0;
  for (unsigned round = 0; round < warm_up + rounds && !testing::Test::HasFailure(); ++round) {
    if (round == warm_up) before = counter();
    send_to_all(peers);
    EXPECT_TRUE(co_await conformance::next_edge<Direction::read>(last));
    for (const auto& peer : peers)
      while (!receive_from(peer)) co_await yield();
  }
  co_return counter() - before;
}

template <class Rt>
std::uint64_t count_rounds(Rt& rt, std::uint64_t (*counter)(), unsigned rounds) {
  Peers peers;
  for (unsigned i = 0; i < connections; ++i) {
    conformance::Pair pair = conformance::tcp_pair();
    auto stream = BasicTcpStream<Rt>::adopt(rt.ref(), pair.ours.release());
    rt.spawn(scenarios::echo_session<Rt>(*std::move(stream))).detach();
    peers.push_back(std::move(pair.peer));
  }
  return rt.block_on(play_rounds(rt, peers, counter, rounds));
}

/// How often `counter` counts in that many rounds on a fresh runtime.
inline std::uint64_t cost_of_rounds(const Subject& subject, std::uint64_t (*counter)(), unsigned rounds) {
  const RuntimeOptions options{.workers = 1, .locking = subject.locking};
  const auto runtime = make_runtime(subject.home, options);
  if (!subject.static_form) return count_rounds(*runtime, counter, rounds);
  return with_runtime_type(subject.home, options, [&](auto type) {
    return count_rounds(dynamic_cast<typename decltype(type)::type&>(*runtime), counter, rounds);
  });
}

constexpr unsigned counted_rounds = 200;
constexpr std::uint64_t counted_messages = std::uint64_t{counted_rounds} * connections;

class Economy : public testing::TestWithParam<Subject> {};

inline std::string label_of(const testing::TestParamInfo<Subject>& instance) { return instance.param.label; }

}  // namespace reactorlab::economy
