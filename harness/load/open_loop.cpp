#include "harness/load/open_loop.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace reactorlab::load {

OpenLoop::OpenLoop(std::vector<std::uint64_t> schedule, std::size_t conns, Window window)
    : schedule_(std::move(schedule)), window_(window), sent_at_(schedule_.size()), progress_(conns) {
  assert(conns > 0 && window.from_ns < window.to_ns);
  tally_.offered =
      static_cast<std::uint64_t>(std::count_if(schedule_.begin(), schedule_.end(), [&](auto at) { return in_window(at); }));
}

double OpenLoop::overlap(std::uint64_t from_ns, std::uint64_t to_ns) const {
  const std::uint64_t from = std::max(from_ns, window_.from_ns), to = std::min(to_ns, window_.to_ns);
  return to > from ? static_cast<double>(to - from) : 0;
}

void OpenLoop::advance(std::uint64_t now_ns) {
  area_ += static_cast<double>(due_ - done_) * overlap(last_ns_, now_ns);
  last_ns_ = now_ns;
}

void OpenLoop::observe(std::uint64_t now_ns) {
  if (busy_) tally_.busy_ns += overlap(pass_began_ns_, now_ns);
  pass_began_ns_ = now_ns;
  busy_ = false;
  advance(now_ns);
  for (; due_ < schedule_.size() && schedule_[due_] <= now_ns; ++due_) area_ += overlap(schedule_[due_], now_ns);
}

std::optional<std::size_t> OpenLoop::take_due() {
  if (taken_ == due_) return std::nullopt;
  busy_ = true;
  return taken_++ % progress_.size();
}

void OpenLoop::on_sent(std::size_t conn, std::uint64_t now_ns) {
  const std::size_t message = message_of(conn, progress_[conn].sent++);
  assert(message < taken_);
  sent_at_[message] = now_ns;
  if (!in_window(schedule_[message])) return;
  const std::uint64_t lag = now_ns - schedule_[message];
  tally_.send_lag.record(lag);
  if (lag > kLateNs) ++tally_.late_sends;
}

void OpenLoop::on_done(std::size_t conn, std::uint64_t now_ns) {
  assert(progress_[conn].done < progress_[conn].sent);
  const std::size_t message = message_of(conn, progress_[conn].done++);
  advance(now_ns);
  ++done_;
  if (in_window(now_ns)) ++tally_.achieved;
  if (!in_window(schedule_[message])) return;
  tally_.response.record(now_ns - schedule_[message]);
  tally_.service.record(now_ns - sent_at_[message]);
}

std::optional<std::uint64_t> OpenLoop::next_due_ns() const {
  if (due_ == schedule_.size()) return std::nullopt;
  return schedule_[due_];
}

OpenTally OpenLoop::finish(std::uint64_t now_ns) {
  observe(now_ns);
  tally_.unanswered = tally_.offered - tally_.response.count();
  tally_.mean_in_flight = area_ / static_cast<double>(window_.to_ns - window_.from_ns);
  return std::move(tally_);
}

}  // namespace reactorlab::load
