#include "harness/load/asking_load.hpp"

#include <cerrno>
#include <deque>
#include <stdexcept>
#include <system_error>

#include <sys/timerfd.h>
#include <unistd.h>

namespace reactorlab::load {
namespace {

/// A timer of the kernel that makes a descriptor readable, so that a wait can end between two milliseconds.
class Ticker {
 public:
  Ticker() : fd_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
    if (fd_ < 0) throw std::system_error(errno, std::system_category(), "load: timerfd_create");
  }
  ~Ticker() { ::close(fd_); }
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

  [[nodiscard]] int fd() const noexcept { return fd_; }
  /// Once, at that time; at once if it has passed.
  void arm(std::uint64_t at_ns) const {
    itimerspec when{};
    when.it_value.tv_sec = static_cast<time_t>(at_ns / 1'000'000'000);
    when.it_value.tv_nsec = static_cast<long>(at_ns % 1'000'000'000);
    ::timerfd_settime(fd_, TFD_TIMER_ABSTIME, &when, nullptr);
  }

 private:
  int fd_;
};

LoadOptions with_bad_one(LoadOptions options) {
  if (!(options.rate > 0)) throw std::invalid_argument("probes need a rate above 0");
  ++options.conns;
  return options;
}

/// The options of a load, with one connection more: the base class keeps a reference.
struct OwnOptions {
  LoadOptions own;
};

/// The last connection is the bad one, the others are probes.
class BadTaskLoad final : private OwnOptions, public AskingLoad {
 public:
  explicit BadTaskLoad(const LoadOptions& options)
      : OwnOptions{with_bad_one(options)},
        AskingLoad(own),
        period_ns_(static_cast<std::uint64_t>(1e9 / options.rate)),
        bad_(options.conns),
        waiting_(options.conns) {
    watch(ticker_.fd(), EPOLLIN, kTick);
  }

 private:
  static constexpr std::uint64_t kTick = ~std::uint64_t{0};

  bool ask_for(std::chrono::nanoseconds length) override {
    draining_ = false;
    due_ = bad_due_ = now_ns();
    end_ = due_ + nanoseconds(length);
    if (!ask_what_is_due(due_) || !run_until([&](std::uint64_t now) { return now >= end_; })) return false;
    if (!ask_what_is_due(end_)) return false;  // who was late to ask leaves nobody out
    draining_ = true;
    return run_until([&](std::uint64_t) { return all_idle(connections_); });
  }

  bool on_events(std::span<const epoll_event> events) override {
    for (const epoll_event& event : events)
      if (event.data.u64 == kTick ? !draining_ && !ask_what_is_due(now_ns()) : !AskingLoad::on_events({&event, 1})) return false;
    return true;
  }

  bool on_answer(std::size_t number, std::uint64_t now) override {
    AskingConnection& connection = connections_[number];
    if (number == bad_) {
      bad_due_ = now + (now - connection.due_ns());
      return true;
    }
    record(connection.due_ns(), now);
    std::deque<std::uint64_t>& waiting = waiting_[number];
    if (waiting.empty()) return true;
    const std::uint64_t due = waiting.front();
    waiting.pop_front();
    return connection.ask(stream_, 0, due);
  }

  /// Probes take their turns on all connections, so each has its next one when the others had theirs.
  bool ask_what_is_due(std::uint64_t now) {
    for (; due_ <= now && due_ < end_; due_ += period_ns_) {
      const std::size_t number = probes_++ % bad_;
      if (!connections_[number].idle())
        waiting_[number].push_back(due_);
      else if (!connections_[number].ask(stream_, 0, due_))
        return false;
    }
    ticker_.arm(due_);
    return now < bad_due_ || !connections_[bad_].idle() || connections_[bad_].ask(stream_, options_.work, now);
  }

  const std::uint64_t period_ns_;
  const std::size_t bad_;
  const Ticker ticker_;
  std::uint64_t end_ = 0;      ///< no probe is due from then on
  std::uint64_t due_ = 0;      ///< the next probe
  std::uint64_t bad_due_ = 0;  ///< the earliest time of the bad one's next request
  std::uint64_t probes_ = 0;
  std::vector<std::deque<std::uint64_t>> waiting_;  ///< of each probe's connection: since when requests wait for it
};

}  // namespace

LoadResult run_bad_task(const LoadOptions& options) {
  BadTaskLoad load(options);
  return run_on_its_cpu(options, load);
}

}  // namespace reactorlab::load
