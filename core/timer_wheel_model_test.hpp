#pragma once
// The timer wheel's oracle, for the unit test and the fuzzer.

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "core/timer_wheel.hpp"

namespace reactorlab {

/// Thrown where the wheel does something else than the map.
class TimerWheelMismatch : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// The wheel against a sorted map, which is too simple to be wrong; operations are as Choices says, also from within the sink.
///   std::uint64_t Choices::number()             any
///   std::uint64_t Choices::below(limit)         0 to limit - 1
template <class Choices>
class TimerWheelModel {
 public:
  TimerWheelModel(Choices choices, std::size_t entries)
      : choices_(std::move(choices)), entries_(entries), keys_(entries), wheel_(now_ns_) {}
  ~TimerWheelModel() {
    for (TimerEntry& entry : entries_) wheel_.cancel(entry);
  }

  void step() {
    if (below(8) == 0) {
      advance();
    } else {
      change_one_entry();
    }
    require(wheel_.size() == pending_.size(), "the wheel miscounts its entries");
    check_next_deadline();
  }

  std::size_t fired_total() const { return fired_total_; }
  std::uint64_t now_ns() const { return now_ns_; }

 private:
  using Key = std::pair<std::uint64_t, std::uint64_t>;  // rounded deadline in ticks, number of the insertion

  static constexpr std::uint64_t tick = TimerWheel::tick_ns;
  static constexpr std::uint64_t hour = 3'600'000'000'000;
  static constexpr std::uint64_t year = 365 * 24 * hour;
  static constexpr std::uint64_t never = UINT64_MAX;

  static void require(bool holds, const char* what) {
    if (!holds) throw TimerWheelMismatch{what};
  }

  std::uint64_t below(std::uint64_t limit) { return choices_.below(limit); }

  /// All magnitudes alike: from less than a tick to decades.
  std::uint64_t random_distance() { return choices_.number() >> (4 + below(50)); }

  std::uint64_t random_deadline() {
    switch (below(8)) {
      case 0: return now_ns_ - std::min(now_ns_, random_distance());
      case 1: return now_ns_;
      case 2: return now_ns_ + below(3 * tick);
      case 3: return pending_.empty() ? never : pending_.begin()->first.first * tick;  // the same again
      case 4: return below(50) == 0 ? never : now_ns_ + below(100) * tick;
      default: return now_ns_ + std::min(random_distance(), never - now_ns_);
    }
  }

  void change_one_entry() {
    const std::size_t number = below(entries_.size());
    const bool was_pending = entries_[number].pending();
    require(wheel_.cancel(entries_[number]) == was_pending, "cancel() says otherwise than pending()");
    if (was_pending) {
      require(pending_.erase(keys_[number]) == 1, "an entry was pending that shouldn't be");
      if (below(2) == 0) return;
    }
    insert(number);
  }

  void insert(std::size_t number) {
    const std::uint64_t deadline_ns = random_deadline();
    wheel_.insert(entries_[number], deadline_ns);
    const std::uint64_t rounded = deadline_ns <= now_ns_ ? now_ns_ / tick : deadline_ns / tick + (deadline_ns % tick != 0);
    keys_[number] = {rounded, ++insertions_};
    pending_.emplace(keys_[number], number);
  }

  void advance() {
    const std::uint64_t before_ns = now_ns_;
    const std::uint64_t horizon = below(200) == 0 ? 2 * year : (below(10) == 0 ? hour : 200 * tick);
    std::uint64_t to_ns = now_ns_ + below(horizon);
    if (below(4) == 0 && wheel_.next_deadline_ns()) to_ns = std::min(to_ns, *wheel_.next_deadline_ns() - below(2));
    if (below(16) == 0) to_ns = now_ns_ - std::min(now_ns_, random_distance());
    now_ns_ = std::max(before_ns, to_ns);

    const std::uint64_t insertions_before = insertions_;
    const auto is_due = [&](const Key& key) { return key.first <= now_ns_ / tick && key.second <= insertions_before; };
    wheel_.advance(to_ns, [&](TimerEntry& entry) {
      const std::size_t number = static_cast<std::size_t>(&entry - entries_.data());
      require(!pending_.empty(), "an entry fired though none was pending");
      // Those that the sink inserts already due sort behind the rest of this call's: their tick is the present one.
      require(pending_.begin()->second == number, "entries fired out of order");
      require(is_due(keys_[number]), "an entry fired early");
      require(entry.deadline_tick == keys_[number].first, "a deadline was rounded otherwise");
      pending_.erase(pending_.begin());
      ++fired_total_;
      if (below(4) == 0) insert(number);
      if (below(4) == 0) change_one_entry();
    });
    for (const auto& [key, number] : pending_) {
      require(!is_due(key), "an entry was due and didn't fire");
      if (key.first > now_ns_ / tick) break;
    }
  }

  void check_next_deadline() {
    const std::optional<std::uint64_t> next = wheel_.next_deadline_ns();
    if (pending_.empty() || pending_.begin()->first.first > never / tick) {
      require(!next, "a next deadline though nothing can fire");
      return;
    }
    const std::uint64_t earliest_ns = pending_.begin()->first.first * tick;
    require(next.has_value(), "no next deadline though something will fire");
    if (earliest_ns <= now_ns_) {
      require(*next == now_ns_, "something is due, and the next deadline isn't now");
    } else if (pending_.size() <= TimerWheel::exact_scan_limit) {
      require(*next == earliest_ns, "the next deadline isn't exact");
    } else {
      require(*next > now_ns_ && *next <= earliest_ns, "the next deadline is past, or too late");
    }
  }

  Choices choices_;
  std::uint64_t now_ns_ = 123'456'789;
  std::uint64_t insertions_ = 0;
  std::size_t fired_total_ = 0;
  std::map<Key, std::size_t> pending_;
  std::vector<TimerEntry> entries_;
  std::vector<Key> keys_;
  TimerWheel wheel_;
};

}  // namespace reactorlab
