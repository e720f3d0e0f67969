// FLT: the order of things is left to chance.

#include <algorithm>
#include <set>

#include "core/channel.hpp"
#include "core/combinators.hpp"
#include "core/unix_stream.hpp"
#include "harness/conformance/broad_scenario.hpp"
#include "harness/conformance/chaos.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/timers.hpp"

namespace reactorlab::conformance {
namespace {

using namespace std::chrono_literals;

constexpr unsigned players = 8;
constexpr unsigned rounds = 12;

/// Passes on what it gets, one higher.
Task<unsigned> player(UnixStream& from, UnixStream& to) {
  unsigned passed = 0;
  std::array<std::byte, 1> ball;
  while (co_await from.read(ball) == IoResult{1}) {
    ++passed;
    ball[0] = std::byte{static_cast<unsigned char>(static_cast<unsigned>(ball[0]) + 1)};
    EXPECT_EQ(co_await to.write_all(ball), IoResult{1});
  }
  EXPECT_EQ(to.shutdown_write(), IoResult{0});
  co_return passed;
}

/// Players in a ring, every one with a ball at first, and a referee between the last and the first who counts what comes by and
/// closes the ring in the end.
Task<unsigned> ring(IRuntime& rt) {
  std::vector<std::pair<UnixStream, UnixStream>> links;
  for (unsigned i = 0; i <= players; ++i) links.push_back(UnixStream::pair(rt).take());
  std::vector<Task<unsigned>> all;
  for (unsigned i = 0; i < players; ++i) all.push_back(player(links[i].second, links[i + 1].first));
  auto others = rt.spawn(when_all(std::move(all)));
  constexpr std::byte zero{0};
  for (unsigned i = 0; i < players; ++i) EXPECT_EQ(co_await links[i].first.write_all(std::span{&zero, 1}), IoResult{1});
  unsigned sum = 0;
  std::array<std::byte, 1> ball;
  for (unsigned n = 0; n < players * rounds; ++n) {
    EXPECT_EQ(co_await links[players].second.read(ball), IoResult{1});
    sum += static_cast<unsigned>(ball[0]);
    ball[0] = zero;
    if (n < players * (rounds - 1)) {
      EXPECT_EQ(co_await links[0].first.write_all(ball), IoResult{1});
    }
  }
  EXPECT_EQ(links[0].first.shutdown_write(), IoResult{0});
  for (const unsigned passed : co_await others) sum += passed;
  co_return sum;
}

/// Sleepers, half of which are cancelled, and readers that give up after a while.
Task<unsigned> deadlines(IRuntime& rt) {
  unsigned score = 0;
  const TimePoint start = clock::now();
  std::vector<JoinHandle<TimePoint>> sleepers;
  for (unsigned i = 0; i < 12; ++i) sleepers.push_back(rt.spawn(sleeping_until(rt, start + (i % 4 + 1) * 10ms)));
  Pair silent = socket_pair();
  auto handle = AsyncFd::borrow(rt, silent.ours.get());
  for (int i = 0; i < 3; ++i) {
    if (co_await timeout(rt, 7ms, handle.readable()) == IoResult{-ETIME}) ++score;
  }
  for (unsigned i = 0; i < sleepers.size(); i += 2) (void)co_await cancelled(sleepers[i]);
  for (unsigned i = 1; i < sleepers.size(); i += 2) {
    if (co_await sleepers[i] >= start + (i % 4 + 1) * 10ms) ++score;
  }
  co_return score;
}

Task<> produce(IRuntime& rt, Channel<unsigned>& channel) {
  for (unsigned n = 1; n <= 20; ++n) {
    EXPECT_TRUE(co_await channel.send(n));
    if (n % 5 == 0) {
      EXPECT_EQ(co_await sleep(rt, 3ms), IoResult{0});
    }
  }
  channel.close();
}

Task<unsigned> consume(Channel<unsigned>& channel) {
  unsigned sum = 0;
  while (const auto n = co_await channel.receive()) sum += *n;
  co_return sum;
}

/// All at once. The result depends on no order.
Task<std::vector<unsigned>> play(IRuntime& rt) {
  Channel<unsigned> channel{2};
  auto producer = rt.spawn(produce(rt, channel));
  std::vector<Task<unsigned>> games;
  games.push_back(ring(rt));
  games.push_back(deadlines(rt));
  games.push_back(consume(channel));
  auto scores = co_await when_all(std::move(games));
  co_await producer;
  co_return scores;
}

/// A ball from player i's link has been passed by players - i of them, and there is one for each; the rest went all the way.
constexpr unsigned ring_score() {
  unsigned score = 0;
  for (unsigned i = 0; i < players; ++i) score += 2 * (players - i);
  return score + 2 * players * players * (rounds - 1);
}
const std::vector<unsigned> expected_scores{ring_score(), 3 + 6, 210};

/// Time begins with a tick, so that two runs round their deadlines alike.
void begin_time(VirtualClock& time) { time.advance(whole_tick(clock::now(), 0ns) - clock::now()); }

}  // namespace

// --- FLT-08 -------------------------------------------------------------------------------------------------------------------

/// On each configuration, of which homes with workers have several. What a sanitizer would see, it sees with the first of them.
constexpr std::uint64_t seeds_of(bool confined) noexcept { return sanitized ? 8 : confined ? 100 : 25; }

RULE(FLT_08, the_same_results) {
  use_virtual_time(VirtualClock::Mode::automatic);
  for_each_seed(seeds_of(confined()), [&](std::uint64_t seed) {
    Chaos chaos{seed};
    const auto rt = make();
    EXPECT_EQ(rt->block_on(play(*rt)), expected_scores);
  });
}

RULE(FLT_08, the_same_lines) {
  use_virtual_time(VirtualClock::Mode::automatic);
  const Lines expected = run_broad_scenario(*make());
  for_each_seed(seeds_of(confined()) / 2, [&](std::uint64_t seed) {
    Chaos chaos{seed};
    EXPECT_EQ(run_broad_scenario(*make()), expected);
  });
}

/// Where one thread does all, a seed is a schedule.
RULE(FLT_08, a_seed_replays) {
  if (!confined()) return;
  VirtualClock& time = use_virtual_time(VirtualClock::Mode::automatic);
  const auto trace_of = [&](std::uint64_t seed) {
    begin_time(time);
    Chaos chaos{seed, /*tracing=*/true};
    const auto rt = make();
    EXPECT_EQ(rt->block_on(play(*rt)), expected_scores);
    return chaos.trace();
  };
  std::set<std::vector<std::string>> different;
  for_each_seed(4, [&](std::uint64_t seed) {
    const auto once = trace_of(seed), again = trace_of(seed);
    const auto [here, there] = std::ranges::mismatch(once, again);
    EXPECT_EQ(once.size(), again.size());
    if (here != once.end() && there != again.end())
      ADD_FAILURE() << "line " << here - once.begin() << ": " << *here << ", then " << *there;
    different.insert(once);
  });
  if (!replayed_seed) {
    EXPECT_EQ(different.size(), 4u) << "the seed makes no difference";
  }
}

}  // namespace reactorlab::conformance
