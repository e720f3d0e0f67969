#include "impls/libuv/in_process.hpp"

#include "harness/peer_kit.hpp"
#include "impls/libuv/loop.hpp"

#include <deque>
#include <optional>

namespace reactorlab::libuv_peer {
namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;

InProcessReport insert_and_cancel(uv_loop_t* loop, std::uint64_t count, peer_kit::FarDeadlines& deadlines, uv_timer_cb on_fire) {
  InProcessReport report;
  uv_timer_t timer;
  check(uv_timer_init(loop, &timer), "uv_timer_init");
  for (std::uint64_t i = 0; i < count; ++i) {
    const int started = uv_timer_start(&timer, on_fire, deadlines.next_ns() / kNsPerMs, 0);
    const bool pending = uv_is_active(handle_of(&timer)) != 0;
    scenarios::verify(report, started == 0 && pending && uv_timer_stop(&timer) == 0);
  }
  uv_close(handle_of(&timer), nullptr);
  uv_run(loop, UV_RUN_NOWAIT);
  return report;
}

/// One of timer_fire's.
struct Firing {
  uv_timer_t timer;
  peer_kit::FiringRounds* rounds;
  std::uint64_t number;

  /// The loop counts whole milliseconds of CLOCK_MONOTONIC, too.
  void arm() {
    const std::optional<std::uint64_t> deadline = rounds->next_deadline_ns(number);
    if (!deadline) return;
    const std::uint64_t due_ms = (*deadline + kNsPerMs - 1) / kNsPerMs;
    const std::uint64_t now_ms = uv_now(timer.loop);
    uv_timer_start(
        &timer,
        [](uv_timer_t* fired) {
          auto& self = *static_cast<Firing*>(fired->data);
          self.rounds->fire(self.number);
          self.arm();
        },
        due_ms > now_ms ? due_ms - now_ms : 0, 0);
  }
};

}  // namespace

InProcessReport timer_insert_cancel(const InProcessRequest& request) {
  const std::uint64_t live = scenarios::count_param(request, "live");
  std::uint64_t fired = 0;
  const auto on_fire = [](uv_timer_t* timer) { ++*static_cast<std::uint64_t*>(timer->loop->data); };
  std::deque<uv_timer_t> others(live);
  Loop loop(&fired);
  peer_kit::FarDeadlines deadlines;
  for (uv_timer_t& timer : others) {
    check(uv_timer_init(loop.get(), &timer), "uv_timer_init");
    check(uv_timer_start(&timer, on_fire, deadlines.next_ns() / kNsPerMs, 0), "uv_timer_start");
  }
  const InProcessReport warm_up = insert_and_cancel(loop.get(), scenarios::warm_up_operations, deadlines, on_fire);
  scenarios::open_window(request);
  InProcessReport report = insert_and_cancel(loop.get(), request.operations, deadlines, on_fire);
  scenarios::close_window(request);
  report.errors += warm_up.errors + fired;
  return report;
}

InProcessReport timer_fire(const InProcessRequest& request) {
  peer_kit::FiringRounds rounds(request);
  std::deque<Firing> timers(rounds.timers());
  Loop loop(nullptr);
  for (std::uint64_t i = 0; i < timers.size(); ++i) {
    timers[i].rounds = &rounds;
    timers[i].number = i;
    check(uv_timer_init(loop.get(), &timers[i].timer), "uv_timer_init");
    timers[i].timer.data = &timers[i];
  }
  rounds.open();
  uv_update_time(loop.get());
  for (Firing& timer : timers) timer.arm();
  loop.run();
  return rounds.report();
}

}  // namespace reactorlab::libuv_peer
