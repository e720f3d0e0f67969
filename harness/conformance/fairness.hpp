#pragma once
// Bounds of fairness, and a greedy task beside clients that wait.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "core/executor.hpp"
#include "harness/conformance/real_objects.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {

/// An edge is taken by the next turn, at most polls_per_turn away, and its task then stands behind what was ready before.
inline constexpr std::uint64_t polls_per_edge = polls_per_turn + 64;

/// The same in operations, which count like polls; of the poll that turns out to be the last one, all.
inline constexpr std::uint64_t operations_per_edge = polls_per_edge + leaf_budget;

/// A task whose every operation completes at once, beside clients that are slow: in each round all of them send a byte, and the
/// task operates until they have been served. `operate()` is co_awaited. `counted`: one thread does all, so that operations are
/// bounded; the task gives up far beyond the bound, and the runtime fails instead of spinning.
template <class Operate>
void beside_slow_clients(IRuntime& rt, bool counted, unsigned clients, int rounds, Operate&& operate) {
  constexpr std::uint64_t give_up = 2 * operations_per_edge;
  std::vector<Fd> peers;
  std::vector<TcpStream> streams;
  for (unsigned i = 0; i < clients; ++i) {
    Pair pair = tcp_pair();
    streams.push_back(stream_over(rt, std::move(pair.ours)));
    peers.push_back(std::move(pair.peer));
  }
  rt.block_on([&]() -> Task<> {
    for (int round = 0; round < rounds; ++round) {
      std::atomic<unsigned> served{0};
      std::vector<JoinHandle<void>> serving;
      for (TcpStream& stream : streams) {
        serving.push_back(rt.spawn([](TcpStream& slow, std::atomic<unsigned>& count) -> Task<> {
          std::array<std::byte, 1> byte;
          EXPECT_EQ(co_await slow.read(byte), IoResult{1});
          count.fetch_add(1);
        }(stream, served)));
      }
      co_await yield();  // they park
      for (const Fd& peer : peers) put(peer.get(), "x");
      std::uint64_t operations = 0;
      while (served.load() != clients && (!counted || operations < give_up)) {
        EXPECT_TRUE(co_await operate());
        ++operations;
      }
      if (counted) {
        EXPECT_LE(operations, operations_per_edge) << "round " << round;
        if (operations > operations_per_edge) rounds = 0;  // the last one
      }
      for (auto& join : serving) co_await join;
    }
  }());
}

}  // namespace reactorlab::conformance
