#pragma once
// The parts of the in-process workloads that aren't the peer's: deadlines, the foreign threads, the checks. What peers
// differ in is then their own code. The variants' forms are in harness/scenarios and follow the same definitions.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "harness/scenarios/window.hpp"

namespace reactorlab::peer_kit {

/// CLOCK_MONOTONIC, in ns.
inline std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::nanoseconds{std::chrono::steady_clock::now().time_since_epoch()}.count());
}

/// timer_insert_cancel: distances from now in ns, an hour and more, spread over 73 minutes by Fibonacci hashing.
class FarDeadlines {
 public:
  std::uint64_t next_ns() noexcept {
    state_ += 0x9E3779B97F4A7C15;
    return std::uint64_t{3600} * 1'000'000'000 + (state_ >> 22);
  }

 private:
  std::uint64_t state_ = 0;
};

/// timer_fire: each timer has a deadline in every span of 20 ms until all operations are done, and checks each.
class FiringRounds {
 public:
  explicit FiringRounds(const InProcessRequest& request)
      : request_(request), timers_(scenarios::count_param(request, "timers")), fired_(timers_, 0), pending_(request.operations) {
    lateness_.reserve(request.operations);
  }

  [[nodiscard]] std::uint64_t timers() const { return timers_; }
  /// The deadlines count from here.
  void open() {
    scenarios::open_window(request_);
    start_ns_ = now_ns();
  }
  /// The deadline for which `timer` is to be armed next, on now_ns()'s clock; nothing when it has had all of its own.
  [[nodiscard]] std::optional<std::uint64_t> next_deadline_ns(std::uint64_t timer) const {
    const std::uint64_t round = fired_[timer];
    if (round == scenarios::share_of(request_.operations, timers_, timer)) return std::nullopt;
    return start_ns_ + round * kSpanNs + offset(timer, round);
  }
  /// To be called by the timer's handler. A firing that is early, or that nobody armed, is an error.
  void fire(std::uint64_t timer) {
    const std::optional<std::uint64_t> deadline = next_deadline_ns(timer);
    const std::uint64_t now = now_ns();
    scenarios::verify(report_, deadline && now >= *deadline);
    if (!deadline) return;
    lateness_.push_back(now - *deadline);
    ++fired_[timer];
    if (--pending_ == 0) scenarios::close_window(request_);
  }
  InProcessReport report() {
    report_.errors += pending_;
    if (request_.on_latency)
      for (const std::uint64_t ns : lateness_) request_.on_latency(ns);
    return report_;
  }

 private:
  static constexpr std::uint64_t kSpanNs = 20'000'000;

  /// The same in every run and for every contender: the finaliser of SplitMix64 (Steele, Lea and Flood).
  static std::uint64_t offset(std::uint64_t timer, std::uint64_t round) noexcept {
    std::uint64_t x = (timer << 32 | round) + 0x9E3779B97F4A7C15;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
    x = (x ^ x >> 27) * 0x94D049BB133111EB;
    return (x ^ x >> 31) % kSpanNs;
  }

  const InProcessRequest& request_;
  const std::uint64_t timers_;
  std::vector<std::uint64_t> fired_;  ///< how often, by timer
  std::uint64_t pending_;
  std::uint64_t start_ns_ = 0;
  std::vector<std::uint64_t> lateness_;
  InProcessReport report_;
};

/// cross_thread_wake: a foreign thread asks by number and sleeps until the loop has answered with it.
class PingPong {
 public:
  explicit PingPong(const InProcessRequest& request)
      : request_(request), rounds_(kWarmUp + static_cast<std::uint32_t>(request.operations)) {
    if (request.operations > std::numeric_limits<std::uint32_t>::max() - kWarmUp)
      throw std::invalid_argument(request.workload + ": at most 4 billion round trips");
    durations_.reserve(rounds_);
  }

  /// Starts the foreign thread, which calls notify() for each question.
  template <class Notify>
  void start(Notify notify) {
    foreign_ = std::jthread([this, notify = std::move(notify)] {
      scenarios::take_foreign_place(request_);
      for (std::uint32_t i = 1; i <= rounds_; ++i) {
        const std::uint64_t begin = now_ns();
        ping_.store(i, std::memory_order_release);
        notify();
        pong_.wait(i - 1, std::memory_order_acquire);
        durations_.push_back(now_ns() - begin);
      }
    });
  }
  /// To be called by the loop, once for each notification. Returns false after the last.
  bool answer() {
    const std::uint32_t number = ++answered_;
    const bool right = ping_.load(std::memory_order_acquire) == number;
    if (number > kWarmUp)
      scenarios::verify(report_, right);
    else
      report_.errors += right ? 0 : 1;
    if (number == kWarmUp) scenarios::open_window(request_);
    if (number == rounds_) scenarios::close_window(request_);
    pong_.store(number, std::memory_order_release);
    pong_.notify_one();
    return number != rounds_;
  }
  InProcessReport report() {
    foreign_.join();
    if (request_.on_latency)
      for (std::size_t i = kWarmUp; i < durations_.size(); ++i) request_.on_latency(durations_[i]);
    return report_;
  }

 private:
  static constexpr std::uint32_t kWarmUp = 16;

  const InProcessRequest& request_;
  const std::uint32_t rounds_;  ///< 32 bits, because that is what a futex waits for
  std::uint32_t answered_ = 0;
  InProcessReport report_;
  std::vector<std::uint64_t> durations_;  // the foreign thread's until it is joined
  std::atomic<std::uint32_t> ping_{0}, pong_{0};
  std::jthread foreign_;
};

/// post: foreign threads hand numbered jobs to the loop. Who is 2048 ahead waits until half of those are done.
class Posting {
 public:
  class Job;

  explicit Posting(const InProcessRequest& request)
      : request_(request), producers_(scenarios::count_param(request, "producers")), unfinished_(producers_.size()) {
    if (request.operations < producers_.size()) throw std::invalid_argument("post: each producer needs a job at least");
  }

  /// Starts the producers, which wait for open() and then call post(Job) for each job.
  template <class Post>
  void start(Post post) {
    for (std::uint64_t i = 0; i < producers_.size(); ++i) {
      producers_[i].count = scenarios::share_of(request_.operations, producers_.size(), i);
      threads_.emplace_back([this, post, &mine = producers_[i]] { produce(post, mine); });
    }
  }
  void open() {
    scenarios::open_window(request_);
    open_.store(1);
    open_.notify_all();
  }
  InProcessReport report() {
    threads_.clear();
    InProcessReport report;
    for (const Producer& producer : producers_) {
      report.operations += producer.done;
      report.errors += producer.done != producer.count || producer.sum != producer.count * (producer.count + 1) / 2;
    }
    return report;
  }

 private:
  struct alignas(64) Producer {
    std::uint64_t count = 0;
    std::uint64_t sum = 0;  ///< the loop's: of the numbers of the jobs that ran, each exactly once
    std::atomic<std::uint32_t> done{0};
  };
  static constexpr std::uint64_t kInFlight = 2048;

  template <class Post>
  void produce(Post& post, Producer& mine);

  const InProcessRequest& request_;
  std::vector<Producer> producers_;
  std::uint64_t unfinished_;  ///< the loop's: producers with jobs that haven't run
  std::atomic<std::uint32_t> open_{0};
  std::vector<std::jthread> threads_;
};

/// Does nothing but say that it ran. The loop runs it; it returns true if it was the last of all.
class Posting::Job {
 public:
  Job(Posting& all, Producer& mine, std::uint64_t number) : all_(&all), mine_(&mine), number_(number) {}

  bool operator()() const {
    mine_->sum += number_;
    const std::uint32_t done = mine_->done.fetch_add(1, std::memory_order_acq_rel) + 1;
    if (done % (kInFlight / 2) == 0) mine_->done.notify_one();
    if (done != mine_->count || --all_->unfinished_ != 0) return false;
    scenarios::close_window(all_->request_);
    return true;
  }

 private:
  Posting* all_;
  Producer* mine_;
  std::uint64_t number_;
};

template <class Post>
void Posting::produce(Post& post, Producer& mine) {
  scenarios::take_foreign_place(request_);
  open_.wait(0);
  for (std::uint64_t i = 0; i < mine.count; ++i) {
    if (i % (kInFlight / 2) == 0 && i >= kInFlight) {
      const auto enough = static_cast<std::uint32_t>(i - kInFlight / 2);
      for (std::uint32_t seen = mine.done.load(); static_cast<std::int32_t>(seen - enough) < 0; seen = mine.done.load())
        mine.done.wait(seen);
    }
    post(Job(*this, mine, i + 1));
  }
}

}  // namespace reactorlab::peer_kit
