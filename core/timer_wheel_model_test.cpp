// The timer wheel against its oracle, with operations at random.
#include "core/timer_wheel_model_test.hpp"

#include <gtest/gtest.h>

#include <random>

namespace reactorlab {
namespace {

constexpr std::uint64_t year = 365ull * 24 * 3'600 * 1'000'000'000;

class AtRandom {
 public:
  explicit AtRandom(std::uint64_t seed) : random_(seed) {}
  std::uint64_t number() { return random_(); }
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

 private:
  std::mt19937_64 random_;
};

/// Few entries make next_deadline_ns() exact at every step; many share slots and cascade in crowds.
class TimerWheelModelTest : public testing::TestWithParam<std::size_t> {};

TEST_P(TimerWheelModelTest, AgreesWithASortedMap) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    TimerWheelModel<AtRandom> model(AtRandom(seed), GetParam());
    for (int step = 0; step < 100'000; ++step) {
      SCOPED_TRACE(step);
      ASSERT_NO_THROW(model.step());
    }
    EXPECT_GT(model.fired_total(), 10'000U);
    EXPECT_GT(model.now_ns(), 20 * year);
  }
}

INSTANTIATE_TEST_SUITE_P(Entries, TimerWheelModelTest, testing::Values(3, 16, 300, 5'000));

}  // namespace
}  // namespace reactorlab
