// The timer wheel against an oracle that is too simple to be wrong, with operations at random.
#include "core/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <utility>
#include <vector>

namespace reactorlab {
namespace {

constexpr std::uint64_t tick = TimerWheel::tick_ns;
constexpr std::uint64_t hour = 3'600'000'000'000;
constexpr std::uint64_t year = 365 * 24 * hour;
constexpr std::uint64_t never = UINT64_MAX;

/// The wheel against a sorted map, with operations at random, also from within the sink.
class TimerWheelModel {
 public:
  TimerWheelModel(std::uint64_t seed, std::size_t entries) : random_(seed), entries_(entries), keys_(entries), wheel_(now_ns_) {}
  ~TimerWheelModel() {
    for (TimerEntry& entry : entries_) wheel_.cancel(entry);
  }

  void step() {
    if (below(8) == 0) {
      advance();
    } else {
      change_one_entry();
    }
    ASSERT_EQ(wheel_.size(), pending_.size());
    check_next_deadline();
  }

  std::size_t fired_total() const { return fired_total_; }
  std::uint64_t now_ns() const { return now_ns_; }

 private:
  using Key = std::pair<std::uint64_t, std::uint64_t>;  // rounded deadline in ticks, number of the insertion

  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

  /// All magnitudes alike: from less than a tick to decades.
  std::uint64_t random_distance() { return random_() >> (4 + below(50)); }

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
    ASSERT_EQ(wheel_.cancel(entries_[number]), was_pending);
    if (was_pending) {
      ASSERT_EQ(pending_.erase(keys_[number]), 1U);
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
      ASSERT_FALSE(pending_.empty());
      // Those that the sink inserts already due sort behind the rest of this call's: their tick is the present one.
      ASSERT_EQ(pending_.begin()->second, number);
      ASSERT_TRUE(is_due(keys_[number]));
      ASSERT_EQ(entry.deadline_tick, keys_[number].first);
      pending_.erase(pending_.begin());
      ++fired_total_;
      if (below(4) == 0) insert(number);
      if (below(4) == 0) change_one_entry();
    });
    for (const auto& [key, number] : pending_) {
      ASSERT_FALSE(is_due(key)) << "entry " << number << " was due and did not fire";
      if (key.first > now_ns_ / tick) break;
    }
  }

  void check_next_deadline() {
    const std::optional<std::uint64_t> next = wheel_.next_deadline_ns();
    if (pending_.empty() || pending_.begin()->first.first > never / tick) {
      ASSERT_EQ(next, std::nullopt);
      return;
    }
    const std::uint64_t earliest_ns = pending_.begin()->first.first * tick;
    ASSERT_TRUE(next.has_value());
    if (earliest_ns <= now_ns_) {
      ASSERT_EQ(*next, now_ns_);
    } else if (pending_.size() <= TimerWheel::exact_scan_limit) {
      ASSERT_EQ(*next, earliest_ns);
    } else {
      ASSERT_GT(*next, now_ns_);
      ASSERT_LE(*next, earliest_ns);
    }
  }

  std::mt19937_64 random_;
  std::uint64_t now_ns_ = 123'456'789;
  std::uint64_t insertions_ = 0;
  std::size_t fired_total_ = 0;
  std::map<Key, std::size_t> pending_;
  std::vector<TimerEntry> entries_;
  std::vector<Key> keys_;
  TimerWheel wheel_;
};

/// Few entries make next_deadline_ns() exact at every step; many share slots and cascade in crowds.
class TimerWheelModelTest : public testing::TestWithParam<std::size_t> {};

TEST_P(TimerWheelModelTest, AgreesWithASortedMap) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    TimerWheelModel model(seed, GetParam());
    for (int step = 0; step < 100'000; ++step) {
      SCOPED_TRACE(step);
      ASSERT_NO_FATAL_FAILURE(model.step());
    }
    EXPECT_GT(model.fired_total(), 10'000U);
    EXPECT_GT(model.now_ns(), 20 * year);
  }
}

INSTANTIATE_TEST_SUITE_P(Entries, TimerWheelModelTest, testing::Values(3, 16, 300, 5'000));

}  // namespace
}  // namespace reactorlab
