#include "impls/asio/in_process.hpp"

#include "harness/peer_kit.hpp"
#include "impls/asio/types.hpp"

#include <chrono>
#include <deque>
#include <optional>

namespace reactorlab::asio_peer {
namespace {

using Clock = std::chrono::steady_clock;

/// Creates and cancels, `count` times: each cancelled handler starts the next.
class InsertCancel {
 public:
  InsertCancel(asio::io_context& context, peer_kit::FarDeadlines& deadlines) : timer_(context), deadlines_(deadlines) {}

  InProcessReport run(std::uint64_t count) {
    report_ = {};
    left_ = count;
    next();
    auto& context = static_cast<asio::io_context&>(timer_.get_executor().context());
    while (left_ != 0) context.run_one();
    return report_;
  }

 private:
  void next() {
    timer_.expires_at(base_ + std::chrono::nanoseconds(deadlines_.next_ns()));
    timer_.async_wait([this](const error_code& error) {
      scenarios::verify(report_, error == asio::error::operation_aborted);
      if (--left_ != 0) next();
    });
    timer_.cancel();
  }

  Timer timer_;
  peer_kit::FarDeadlines& deadlines_;
  const Clock::time_point base_ = Clock::now();
  std::uint64_t left_ = 0;
  InProcessReport report_;
};

/// One of timer_fire's.
class Firing {
 public:
  Firing(asio::io_context& context, peer_kit::FiringRounds& rounds, std::uint64_t number)
      : timer_(context), rounds_(rounds), number_(number) {}

  void arm() {
    const std::optional<std::uint64_t> deadline = rounds_.next_deadline_ns(number_);
    if (!deadline) return;
    timer_.expires_at(Clock::time_point(std::chrono::nanoseconds(*deadline)));
    timer_.async_wait([this](const error_code& error) {
      if (error) return;  // it stays pending in the report: an error
      rounds_.fire(number_);
      arm();
    });
  }

 private:
  Timer timer_;
  peer_kit::FiringRounds& rounds_;
  const std::uint64_t number_;
};

}  // namespace

InProcessReport timer_insert_cancel(const InProcessRequest& request) {
  asio::io_context context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE);
  const std::uint64_t live = scenarios::count_param(request, "live");
  peer_kit::FarDeadlines deadlines;
  std::uint64_t fired = 0;
  std::deque<Timer> others;
  for (std::uint64_t i = 0; i < live; ++i) {
    others.emplace_back(context, std::chrono::nanoseconds(deadlines.next_ns()));
    others.back().async_wait([&fired](const error_code&) { ++fired; });
  }
  InsertCancel one_more(context, deadlines);
  const InProcessReport warm_up = one_more.run(scenarios::warm_up_operations);
  scenarios::open_window(request);
  InProcessReport report = one_more.run(request.operations);
  scenarios::close_window(request);
  report.errors += warm_up.errors + fired;
  return report;
}

InProcessReport timer_fire(const InProcessRequest& request) {
  asio::io_context context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE);
  peer_kit::FiringRounds rounds(request);
  std::deque<Firing> timers;
  for (std::uint64_t i = 0; i < rounds.timers(); ++i) timers.emplace_back(context, rounds, i);
  rounds.open();
  for (Firing& timer : timers) timer.arm();
  context.run();
  return rounds.report();
}

}  // namespace reactorlab::asio_peer
