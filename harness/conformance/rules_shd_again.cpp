// SHD: runtimes in a row, and what a process holds after many of them.

#include <array>
#include <barrier>
#include <cstddef>
#include <vector>

#include "harness/conformance/foreign.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/process_memory.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

// --- SHD-13 -------------------------------------------------------------------------------------------------------------------

RULE(SHD_13, a_thousand_in_a_row) {
  // A sanitizer keeps what was freed, so that memory isn't compared there, and takes its time.
  constexpr int warm_up = 100, rounds = sanitized ? 200 : 1'000;
  use_virtual_time(VirtualClock::Mode::automatic);
  const auto serve = [](IRuntime& rt, Fd fd) -> Task<> {
    auto stream = stream_over(rt, std::move(fd));
    std::array<std::byte, 16> room;
    const IoResult got = co_await stream.read(room);
    EXPECT_TRUE(co_await stream.write_all(std::span{room}.first(got.count())));
  };
  const auto live = [&] {
    auto rt = make();
    Pair pair = socket_pair();
    auto serving = rt->spawn(serve(*rt, std::move(pair.ours)));
    rt->spawn([](IRuntime& its) -> Task<> { (void)co_await sleep(its, 24h); }(*rt)).detach();  // ended by the end
    put(pair.peer.get(), "ping");
    rt->block_on([&]() -> Task<> {
      EXPECT_EQ(co_await sleep(*rt, 10ms), IoResult{0});
      co_await serving;
    }());
    EXPECT_EQ(take(pair.peer.get(), 4), "ping");
  };
  // On a thread that ends before memory is looked at: until then malloc counts what it keeps for the thread as given out.
  const auto live_on = [&](int times) {
    on_another_thread([&] {
      for (int n = 0; n < times; ++n) live();
    });
  };
  live_on(warm_up);
  const ProcessState before = ProcessState::now();
  const ProcessMemory memory_before = ProcessMemory::now();
  live_on(rounds - warm_up);
  const ProcessState after = ProcessState::settled_like(before);
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_EQ(after.threads, before.threads);
  // A list of all runtimes that there ever were takes 8 bytes for each. The allocator may have mapped a few more arenas.
  constexpr std::size_t more = rounds - warm_up;
  const ProcessMemory memory_after = ProcessMemory::now();
  EXPECT_LT(memory_after.heap_bytes, memory_before.heap_bytes + 8 * more);
  EXPECT_LT(memory_after.address_bytes, memory_before.address_bytes + (more << 20));
}

// What workers gave back when they ended the next ones share, also when all of them need some at once.
RULE(SHD_13, all_workers_at_once) {
  constexpr unsigned warm_up = 10, rounds = 60, frames = 200, least_size_of_one = 16;
  const auto nothing = []() -> Task<> { co_return; };
  const auto hold = [&](std::barrier<>& all_hold) -> Task<> {
    std::vector<Task<>> held;
    for (unsigned n = 0; n < frames; ++n) held.push_back(nothing());
    all_hold.arrive_and_wait();
    co_return;
  };
  const auto live = [&] {
    std::barrier<> all_hold{static_cast<std::ptrdiff_t>(workers())};
    auto rt = make();
    std::vector<JoinHandle<void>> holders;
    for (unsigned n = 0; n < workers(); ++n) holders.push_back(rt->spawn(hold(all_hold)));
    rt->block_on([&]() -> Task<> {
      for (auto& holder : holders) co_await holder;
    }());
  };
  const auto live_on = [&](unsigned times) {  // a thread that ends, as above
    on_another_thread([&] {
      for (unsigned n = 0; n < times; ++n) live();
    });
  };
  live_on(warm_up);
  const ProcessMemory before = ProcessMemory::now();
  live_on(rounds - warm_up);
  EXPECT_LE(ProcessMemory::now().heap_bytes, before.heap_bytes + (rounds - warm_up) * frames * least_size_of_one);
}

}  // namespace reactorlab::conformance
