#include "core/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace reactorlab {
namespace {

constexpr std::uint64_t tick = TimerWheel::tick_ns;
constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t hour = 3'600 * second;
constexpr std::uint64_t year = 365 * 24 * hour;
constexpr std::uint64_t never = UINT64_MAX;
constexpr unsigned levels = 8;  // what a wake-up for cascades is bounded by

constexpr std::uint64_t round_up(std::uint64_t ns) { return (ns / tick + (ns % tick != 0)) * tick; }

/// A wheel with entries that have numbers, which leaves nothing behind in it.
class TimerWheelTest : public testing::Test {
 protected:
  explicit TimerWheelTest(std::size_t entries = 64) : entries_(entries) {}
  ~TimerWheelTest() override {
    for (TimerEntry& entry : entries_) wheel_.cancel(entry);
  }

  std::size_t number_of(const TimerEntry& entry) const { return static_cast<std::size_t>(&entry - entries_.data()); }
  void insert(std::size_t number, std::uint64_t deadline_ns) { wheel_.insert(entries_[number], deadline_ns); }
  bool cancel(std::size_t number) { return wheel_.cancel(entries_[number]); }

  std::vector<std::size_t> advance(std::uint64_t now_ns) {
    std::vector<std::size_t> fired;
    const std::size_t count = wheel_.advance(now_ns, [&](TimerEntry& entry) {
      EXPECT_FALSE(entry.pending());
      fired.push_back(number_of(entry));
    });
    EXPECT_EQ(count, fired.size());
    return fired;
  }

  using Numbers = std::vector<std::size_t>;
  std::vector<TimerEntry> entries_;
  TimerWheel wheel_;
};

TEST_F(TimerWheelTest, NewWheelHasNothingToDo) {
  EXPECT_TRUE(wheel_.empty());
  EXPECT_EQ(wheel_.next_deadline_ns(), std::nullopt);
  EXPECT_EQ(advance(never), Numbers{});
}

TEST_F(TimerWheelTest, FiresExactlyAtItsDeadlineAndNeverBefore) {
  insert(0, 5 * tick);
  EXPECT_EQ(advance(5 * tick - 1), Numbers{});
  EXPECT_TRUE(entries_[0].pending());
  EXPECT_EQ(advance(5 * tick), Numbers{0});
  EXPECT_EQ(advance(never), Numbers{});
}

TEST_F(TimerWheelTest, RoundsUpToATick) {
  insert(0, 5 * tick + 1);
  EXPECT_EQ(wheel_.next_deadline_ns(), 6 * tick);
  EXPECT_EQ(advance(6 * tick - 1), Numbers{});
  EXPECT_EQ(advance(6 * tick), Numbers{0});
}

TEST_F(TimerWheelTest, PastAndPresentDeadlinesFireAtTheNextAdvanceInOrderOfInsertion) {
  const std::uint64_t now = hour + 12'345;  // inside a tick: "now" must not be rounded up to the next one
  EXPECT_EQ(advance(now), Numbers{});
  insert(0, now);
  insert(1, now + 1);
  insert(2, 0);
  insert(3, now - hour);
  EXPECT_EQ(wheel_.next_deadline_ns(), now);
  EXPECT_EQ(advance(now), (Numbers{0, 2, 3}));
  EXPECT_EQ(wheel_.next_deadline_ns(), round_up(now + 1));
  EXPECT_EQ(advance(now + tick), Numbers{1});
}

TEST_F(TimerWheelTest, DueEntriesCanBeCancelled) {
  insert(0, 0);
  insert(1, 0);
  EXPECT_TRUE(cancel(0));
  EXPECT_EQ(advance(0), Numbers{1});
  insert(0, 0);
  EXPECT_TRUE(cancel(0));
  EXPECT_EQ(wheel_.next_deadline_ns(), std::nullopt);
}

TEST_F(TimerWheelTest, TimeStartsWhereItIsTold) {
  TimerWheel wheel(year);
  TimerEntry entry;
  wheel.insert(entry, year + 3 * tick);
  EXPECT_EQ(wheel.next_deadline_ns(), round_up(year + 3 * tick));
  EXPECT_EQ(wheel.advance(year + 2 * tick, [](TimerEntry&) {}), 0U);
  EXPECT_EQ(wheel.advance(year + 4 * tick, [](TimerEntry&) {}), 1U);
}

TEST_F(TimerWheelTest, HugeDeadlinesNeitherOverflowNorBlockOthers) {
  insert(0, never);
  insert(1, never - 1);
  EXPECT_EQ(wheel_.next_deadline_ns(), std::nullopt);  // no clock reaches them
  insert(2, 500 * year);
  insert(3, std::uint64_t{INT32_MAX} * 1'000'000 + 1'000'000);  // more milliseconds than an int holds
  insert(4, 10'000'000);
  EXPECT_EQ(wheel_.next_deadline_ns(), round_up(10'000'000));
  EXPECT_EQ(advance(hour), Numbers{4});
  EXPECT_EQ(advance(year), Numbers{3});
  EXPECT_EQ(advance(never - 1), Numbers{2});
  EXPECT_EQ(wheel_.size(), 2U);
  EXPECT_EQ(wheel_.next_deadline_ns(), std::nullopt);
}

TEST_F(TimerWheelTest, TimeNeverGoesBack) {
  insert(0, 10 * second);
  EXPECT_EQ(advance(9 * second), Numbers{});
  insert(1, 5 * second);
  EXPECT_EQ(advance(second), Numbers{1});  // already due: no progress is needed
  insert(2, 10 * second);
  EXPECT_EQ(advance(0), Numbers{});
  EXPECT_EQ(advance(10 * second + tick), (Numbers{0, 2}));
}

TEST_F(TimerWheelTest, SameDeadlineFiresInOrderOfInsertionAcrossCascades) {
  const std::uint64_t deadline = 1'000'000 * tick;  // digits 3, 52, 9, 0: level 3 from zero
  const std::vector<std::uint64_t> times = {0, 3, 262'143, 786'432, 999'424, 999'935, 999'936, 999'999};
  Numbers expected;
  for (std::size_t number = 0; number < times.size(); ++number) {
    EXPECT_EQ(advance(times[number] * tick), Numbers{});
    insert(number, deadline);  // each from another distance, hence directly to another level
    expected.push_back(number);
  }
  EXPECT_EQ(advance(deadline), expected);
}

TEST_F(TimerWheelTest, OrderIsByDeadlineWhateverTheLevel) {
  const std::vector<std::uint64_t> ticks = {4'096, 1, 64, 63, 65, 262'144, 4'095, 127, 128, 262'145};
  for (std::size_t number = 0; number < ticks.size(); ++number) insert(number, ticks[number] * tick);
  EXPECT_EQ(advance(year), (Numbers{1, 3, 2, 4, 7, 8, 6, 0, 5, 9}));
}

TEST_F(TimerWheelTest, FiredEntriesAreGoneWhileLaterOnesPend) {
  insert(0, tick);
  insert(1, tick);
  insert(2, hour);
  EXPECT_EQ(wheel_.size(), 3U);
  EXPECT_EQ(advance(second), (Numbers{0, 1}));
  for (std::uint64_t turn = 1; turn <= 10; ++turn) EXPECT_EQ(advance(second + turn * tick), Numbers{});
  EXPECT_EQ(wheel_.size(), 1U);
  EXPECT_FALSE(cancel(0));
  EXPECT_TRUE(cancel(2));
  EXPECT_FALSE(cancel(2));
  EXPECT_TRUE(wheel_.empty());
}

TEST_F(TimerWheelTest, ResetTakesEffectWhereverItPointsTo) {
  for (const std::uint64_t reset : {2 * second, 20 * second, 10 * second, second / 2}) {
    TimerWheel wheel(second);
    TimerEntry entry;
    wheel.insert(entry, 10 * second);
    EXPECT_TRUE(wheel.cancel(entry));
    wheel.insert(entry, reset);
    const std::uint64_t expected = reset < second ? second : round_up(reset);
    EXPECT_EQ(wheel.next_deadline_ns(), expected);
    EXPECT_EQ(wheel.advance(expected - 1, [](TimerEntry&) {}), reset < second ? 1U : 0U);
    EXPECT_EQ(wheel.advance(expected, [](TimerEntry&) {}), reset < second ? 0U : 1U);
    EXPECT_EQ(wheel.advance(hour, [](TimerEntry&) {}), 0U);
  }
}

TEST_F(TimerWheelTest, SinkMayCancelEntriesThatAreDueToo) {
  for (std::size_t number = 0; number < 6; ++number) insert(number, (1 + number / 2) * tick);
  Numbers fired;
  wheel_.advance(second, [&](TimerEntry& entry) {
    fired.push_back(number_of(entry));
    if (fired.back() == 0) {
      EXPECT_FALSE(cancel(0));
      EXPECT_TRUE(cancel(1));
      EXPECT_TRUE(cancel(4));
    }
  });
  EXPECT_EQ(fired, (Numbers{0, 2, 3, 5}));
  EXPECT_TRUE(wheel_.empty());
}

TEST_F(TimerWheelTest, SinkMayRearmForNowWithoutAnEndlessLoop) {
  insert(0, tick);
  insert(1, 2 * tick);
  for (std::uint64_t turn = 0; turn < 3; ++turn) {
    Numbers fired;
    wheel_.advance(second, [&](TimerEntry& entry) {
      fired.push_back(number_of(entry));
      wheel_.insert(entry, turn * tick);
    });
    EXPECT_EQ(fired, (Numbers{0, 1}));
    EXPECT_EQ(wheel_.size(), 2U);
    EXPECT_EQ(wheel_.next_deadline_ns(), second);
  }
}

TEST_F(TimerWheelTest, SinkMayDestroyTheEntryAndArmItsSuccessor) {
  auto first = std::make_unique<TimerEntry>();
  TimerEntry successor;
  wheel_.insert(*first, second);
  EXPECT_EQ(wheel_.advance(2 * second,
                           [&](TimerEntry& entry) {
                             EXPECT_EQ(&entry, first.get());
                             first.reset();
                             wheel_.insert(successor, second);
                           }),
            1U);
  EXPECT_EQ(wheel_.advance(2 * second, [&](TimerEntry& entry) { EXPECT_EQ(&entry, &successor); }), 1U);
}

TEST_F(TimerWheelTest, ThrowingSinkLosesNoEntry) {
  for (std::size_t number = 0; number < 3; ++number) insert(number, tick);
  EXPECT_THROW(wheel_.advance(second, [](TimerEntry&) { throw 1; }), int);
  EXPECT_EQ(wheel_.next_deadline_ns(), second);
  insert(0, 0);
  EXPECT_EQ(advance(second), (Numbers{1, 2, 0}));
}

TEST_F(TimerWheelTest, NextDeadlineSkipsCancelledEntries) {
  insert(0, 100 * second);
  insert(1, 101 * second);  // the same slot, two levels up
  EXPECT_EQ(wheel_.next_deadline_ns(), round_up(100 * second));
  EXPECT_TRUE(cancel(0));
  EXPECT_EQ(wheel_.next_deadline_ns(), round_up(101 * second));
}

TEST_F(TimerWheelTest, FullSlotsCostAtMostOneEarlyWakePerLevel) {
  const std::uint64_t deadline = round_up(year);
  for (std::size_t number = 0; number < entries_.size(); ++number) insert(number, year);
  EXPECT_LT(wheel_.next_deadline_ns(), deadline);  // its cost is bounded: it doesn't look at all of them
  unsigned wakes = 0;
  std::uint64_t now = 0;
  while (!wheel_.empty() && wakes <= levels) {
    const std::uint64_t next = wheel_.next_deadline_ns().value();
    ASSERT_GT(next, now);
    ASSERT_LE(next, deadline);
    now = next;
    ++wakes;
    EXPECT_EQ(advance(now).size(), now == deadline ? entries_.size() : 0U);
  }
  EXPECT_TRUE(wheel_.empty());
  EXPECT_LE(wakes, levels);
}

class ManyTimersTest : public TimerWheelTest {
 protected:
  ManyTimersTest() : TimerWheelTest(1'000'000) {}
};

TEST_F(ManyTimersTest, CancelBeforeAnyAdvanceLeavesNothing) {
  for (std::size_t number = 0; number < entries_.size(); ++number) insert(number, hour);
  EXPECT_EQ(wheel_.size(), entries_.size());
  for (std::size_t number = 0; number < entries_.size(); ++number) ASSERT_TRUE(cancel(number));
  EXPECT_EQ(wheel_.size(), 0U);
  EXPECT_EQ(wheel_.next_deadline_ns(), std::nullopt);
  EXPECT_EQ(advance(year), Numbers{});
}

TEST_F(ManyTimersTest, OneDeadlineFiresInOneAdvanceInOrder) {
  for (std::size_t number = 0; number < entries_.size(); ++number) insert(number, hour);
  EXPECT_EQ(advance(hour - 1), Numbers{});
  const Numbers fired = advance(hour + tick);
  EXPECT_EQ(fired.size(), entries_.size());
  EXPECT_TRUE(std::is_sorted(fired.begin(), fired.end()));
}

}  // namespace
}  // namespace reactorlab
