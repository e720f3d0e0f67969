// FAIR: timers beside a flood. Every step of the flood takes virtual time, so that lateness is a number of steps.

#include <atomic>
#include <vector>

#include "harness/conformance/fairness.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/timers.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

namespace {

/// What keeps a runtime busy, step by step, until it is stopped. Where steps are bounded it gives up by itself far beyond the
/// bound, and then so much time passes that every timer is due.
class Flood {
 public:
  static constexpr Duration step_time = 100us;

  Flood(VirtualClock& time, bool counted) : time_{time}, most_{counted ? 200u * polls_per_turn : UINT64_MAX} {}

  /// Any task. False: it is over.
  bool step() {
    if (over_.load()) return false;
    time_.advance(step_time);
    if (steps_.fetch_add(1) < most_) return true;
    over_.store(true);
    time_.advance(1h);
    return false;
  }
  void stop() { over_.store(true); }
  bool goes_on() const { return !over_.load(); }

 private:
  VirtualClock& time_;
  const std::uint64_t most_;
  std::atomic<std::uint64_t> steps_{0};
  std::atomic<bool> over_{false};
};

/// Sleeps again and again beside a flood of so many tasks, and ends it.
Task<> ticking(IRuntime& rt, Flood& flood, unsigned tasks, bool counted) {
  // Its turn comes after at most polls_per_turn steps, and the sleeper then stands behind what was ready before.
  const Duration latest = timer_tick + Flood::step_time * (polls_per_turn + tasks);
  for (int tick = 0; tick < 20 && flood.goes_on(); ++tick) {
    const TimePoint due = clock::now() + 20ms;
    EXPECT_EQ(co_await sleep_until(rt, due), IoResult{0});
    if (counted) {
      EXPECT_LE((clock::now() - due) / Flood::step_time, latest / Flood::step_time) << "steps late, at tick " << tick;
    }
  }
  EXPECT_TRUE(flood.goes_on()) << "a timer was never looked at as long as the flood lasted";
  flood.stop();
}

/// One end of a ball game: each turn of the reactor finds it.
Task<> bouncing(TcpStream& stream, Flood& flood) {
  std::array<std::byte, 1> byte{};
  while (co_await stream.read(byte) == IoResult{1} && flood.step() && co_await stream.write_all(byte)) {
  }
  stream.close();  // so that the other end hears of it
}

/// Ends by starting the next one.
Task<> chain(IRuntime& rt, Flood& flood, std::atomic<unsigned>& ended) {
  if (flood.step()) {
    rt.spawn(chain(rt, flood, ended)).detach();
  } else {
    ended.fetch_add(1);
  }
  co_return;
}

}  // namespace

// --- FAIR-02 ------------------------------------------------------------------------------------------------------------------

RULE(FAIR_02, beside_io) {
  constexpr unsigned games = 50;
  VirtualClock& time = use_virtual_time();
  Flood flood{time, one_thread_does_all()};
  IRuntime& rt = runtime();
  std::vector<TcpStream> ends;
  for (unsigned i = 0; i < games; ++i) {
    Pair pair = socket_pair();
    set_nonblocking(pair.peer.get(), true);
    put(pair.peer.get(), "x");
    ends.push_back(stream_over(rt, std::move(pair.ours)));
    ends.push_back(stream_over(rt, std::move(pair.peer)));
  }
  rt.block_on([&]() -> Task<> {
    std::vector<JoinHandle<void>> playing;
    for (TcpStream& end : ends) playing.push_back(rt.spawn(bouncing(end, flood)));
    co_await ticking(rt, flood, 2 * games, one_thread_does_all());
    for (auto& join : playing) co_await join;
  }());
}

RULE(FAIR_02, beside_spawning) {
  constexpr unsigned chains = 16;
  VirtualClock& time = use_virtual_time();
  Flood flood{time, one_thread_does_all()};
  std::atomic<unsigned> ended{0};
  IRuntime& rt = runtime();
  rt.block_on([&]() -> Task<> {
    for (unsigned i = 0; i < chains; ++i) rt.spawn(chain(rt, flood, ended)).detach();
    co_await ticking(rt, flood, chains, one_thread_does_all());
    while (ended.load() != chains) co_await yield();
  }());
}

}  // namespace reactorlab::conformance
