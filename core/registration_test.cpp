#include "core/registration.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace reactorlab {
namespace {

using namespace readiness;

constexpr std::uint64_t life = std::uint64_t{7} << 32;

/// Every transition of one direction's word, for both ways of getting at it.
template <class Mode>
struct WordTest : testing::Test {
  static constexpr Access access = Mode::value;
  ~WordTest() override {
    put_confined_header(task);
    put_confined_header(other);
  }
  Armed arm_it(TaskHeader& who) { return readiness::arm<access>(word, who, identity); }
  Edge edge_at(std::uint64_t generation = life, bool sticky_end = false, bool again = false) {
    return readiness::edge<access>(word, generation, sticky_end, again);
  }
  bool disarm_it(TaskHeader& who) { return readiness::disarm<access>(word, identity, who); }

  Atomic<std::uint64_t> word{life};
  std::uint64_t identity = 0;
  TaskHeader& task = take_confined_header();
  TaskHeader& other = take_confined_header();
  const std::uint64_t told_word = life | TaskArena::offset_of(task);
  const std::uint64_t parked_word = told_word | parked;
};

template <Access mode>
using Mode = std::integral_constant<Access, mode>;
using Modes = testing::Types<Mode<Access::confined>, Mode<Access::plain>, Mode<Access::atomic>>;
struct ModeNames {
  template <class M>
  static std::string GetName(int) {
    return M::value == Access::confined ? "confined" : M::value == Access::plain ? "plain" : "atomic";
  }
};
TYPED_TEST_SUITE(WordTest, Modes, ModeNames);

TYPED_TEST(WordTest, AnEmptyWordParksAndAnEdgeTakesTheTaskOut) {
  EXPECT_EQ(this->arm_it(this->task), Armed::parked);
  EXPECT_EQ(this->word.load(), this->parked_word);
  EXPECT_EQ(this->identity, this->told_word);
  const Edge edge = this->edge_at();
  EXPECT_EQ(edge.task, &this->task);
  EXPECT_FALSE(edge.crowd);
  EXPECT_EQ(this->word.load(), this->identity);
}

TYPED_TEST(WordTest, AnUrgentEdgeIsGoodForTwoAttempts) {
  constexpr bool no_end = false, twice = true;
  EXPECT_EQ(this->edge_at(life, no_end, twice).task, nullptr);
  EXPECT_EQ(this->edge_at().task, nullptr);
  EXPECT_EQ(this->arm_it(this->task), Armed::ready);
  EXPECT_EQ(this->arm_it(this->task), Armed::ready);
  EXPECT_EQ(this->arm_it(this->task), Armed::parked);
  EXPECT_EQ(this->word.load(), this->parked_word);
  EXPECT_EQ(this->edge_at(life, no_end, twice).task, &this->task);
  EXPECT_EQ(this->arm_it(this->task), Armed::ready);
  EXPECT_EQ(this->arm_it(this->task), Armed::parked);
}

TYPED_TEST(WordTest, AnEdgeThatFindsNobodyIsRememberedAndConsumedOnce) {
  EXPECT_EQ(this->edge_at().task, nullptr);
  EXPECT_EQ(this->edge_at().task, nullptr);
  EXPECT_EQ(this->word.load(), life | ready);
  EXPECT_EQ(this->arm_it(this->task), Armed::ready);
  EXPECT_EQ(this->word.load(), this->told_word);
  EXPECT_EQ(this->arm_it(this->task), Armed::parked);
}

TYPED_TEST(WordTest, WhoArmsBehindAnEdgeToldToAnotherAttemptsOnceMore) {
  this->arm_it(this->other);
  this->edge_at();
  // Where an edge can come in between, `task` may have had its EAGAIN before it.
  const Armed first = this->arm_it(this->task);
  if (TestFixture::access == Access::confined) {
    EXPECT_EQ(first, Armed::parked);
  } else {
    EXPECT_EQ(first, Armed::ready);
    EXPECT_EQ(this->word.load(), this->told_word);
    EXPECT_EQ(this->arm_it(this->task), Armed::parked);
  }
  EXPECT_EQ(this->word.load(), this->parked_word);
}

TYPED_TEST(WordTest, WhoConsumedAnEdgeIsToldOfIt) {
  this->edge_at();
  EXPECT_EQ(this->arm_it(this->other), Armed::ready);
  EXPECT_EQ(this->arm_it(this->task), TestFixture::access == Access::confined ? Armed::parked : Armed::ready);
}

TYPED_TEST(WordTest, AnEdgeToFurtherWaitersIsToldToNobodyInParticular) {
  this->word = life | parked | more;
  this->edge_at();
  EXPECT_EQ(this->arm_it(this->task), TestFixture::access == Access::confined ? Armed::parked : Armed::ready);
}

TYPED_TEST(WordTest, AnEdgeAfterTheOneThatWasToldIsRemembered) {
  this->arm_it(this->task);
  this->edge_at();
  this->edge_at();
  EXPECT_EQ(this->word.load(), life | ready);
  EXPECT_EQ(this->arm_it(this->task), Armed::ready);
  EXPECT_EQ(this->arm_it(this->task), Armed::parked);
}

TYPED_TEST(WordTest, AnUrgentEdgeAfterOneThatWasToldIsGoodForTwo) {
  constexpr bool no_end = false, twice = true;
  this->word = life | others;
  this->edge_at();
  EXPECT_EQ(this->word.load(), life | ready) << "who was told isn't AGAIN";
  this->word = life | others;
  this->edge_at(life, no_end, twice);
  EXPECT_EQ(this->word.load(), life | ready | again);
}

TYPED_TEST(WordTest, AStickyEndIsNeverConsumed) {
  EXPECT_EQ(this->edge_at(life, true).task, nullptr);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(this->arm_it(this->task), Armed::ready);
  EXPECT_EQ(this->word.load(), life | ready | sticky);
}

TYPED_TEST(WordTest, AStickyEndWakesTheParkedAndStays) {
  this->arm_it(this->task);
  EXPECT_EQ(this->edge_at(life, true).task, &this->task);
  EXPECT_EQ(this->arm_it(this->task), Armed::ready);
  EXPECT_EQ(this->edge_at().task, nullptr);  // a later, plain edge doesn't undo it
  EXPECT_EQ(this->arm_it(this->task), Armed::ready);
}

TYPED_TEST(WordTest, AnEdgeThatAsksForASecondLookLeavesReadiness) {
  this->arm_it(this->task);
  EXPECT_EQ(this->edge_at(life, false, true).task, &this->task);
  EXPECT_EQ(this->arm_it(this->task), Armed::ready);
  EXPECT_EQ(this->arm_it(this->task), Armed::parked);
}

TYPED_TEST(WordTest, AnEdgeOfAnotherLifeDoesNothing) {
  this->arm_it(this->task);
  EXPECT_EQ(this->edge_at(life + (std::uint64_t{1} << 32), true).task, nullptr);
  EXPECT_EQ(this->word.load(), this->parked_word);
}

TYPED_TEST(WordTest, ClosedAndShutDownRefuseAndIgnoreEdges) {
  for (const std::uint64_t end : {closed, shutdown}) {
    this->word = life | end;
    EXPECT_EQ(this->arm_it(this->task), Armed::refused);
    EXPECT_EQ(this->edge_at(life, true).task, nullptr);
    EXPECT_EQ(this->word.load(), life | end);
    EXPECT_EQ(refusal(this->word.load()), IoResult{end == closed ? -EBADF : -ESHUTDOWN});
  }
}

TYPED_TEST(WordTest, ASecondTaskIsToldOfTheFirst) {
  this->arm_it(this->task);
  EXPECT_EQ(this->arm_it(this->other), Armed::crowded);
  EXPECT_EQ(this->word.load(), this->parked_word);
}

TYPED_TEST(WordTest, AnEdgeReportsFurtherWaitersWithAndWithoutATask) {
  this->word = this->parked_word | more;
  Edge edge = this->edge_at();
  EXPECT_EQ(edge.task, &this->task);
  EXPECT_TRUE(edge.crowd);
  EXPECT_EQ(this->word.load(), this->told_word);
  this->word = life | parked | more;  // all of them in the list
  edge = this->edge_at();
  EXPECT_EQ(edge.task, nullptr);
  EXPECT_TRUE(edge.crowd);
  EXPECT_EQ(this->word.load(), life | others);
}

TYPED_TEST(WordTest, DisarmingTakesOutOnlyItself) {
  this->arm_it(this->task);
  EXPECT_FALSE(this->disarm_it(this->other));
  EXPECT_EQ(this->word.load(), this->parked_word);
  EXPECT_FALSE(this->disarm_it(this->task));
  EXPECT_EQ(this->word.load(), life);
  EXPECT_FALSE(this->disarm_it(this->task));
}

TYPED_TEST(WordTest, DisarmingLeavesFurtherWaitersAnnounced) {
  this->arm_it(this->task);
  this->word.fetch_or(more);
  EXPECT_TRUE(this->disarm_it(this->other));  // look through the list
  EXPECT_FALSE(this->disarm_it(this->task));
  EXPECT_EQ(this->word.load(), life | parked | more);
}

TYPED_TEST(WordTest, DisarmingInALaterLifeDoesNothing) {
  this->arm_it(this->task);
  const std::uint64_t later = this->parked_word + (std::uint64_t{1} << 32);
  this->word = later;
  EXPECT_FALSE(this->disarm_it(this->task));
  EXPECT_EQ(this->word.load(), later);
}

TEST(WordRace, OfEveryEdgeSomebodyLearns) {
  constexpr int edges = 50'000;
  TaskHeader& task = take_confined_header();
  Atomic<std::uint64_t> word{life};
  std::atomic<int> produced{0};  // data, as the kernel would have it
  std::atomic<int> woken{0};
  std::thread kernel{[&] {
    for (int i = 0; i < edges; ++i) {
      produced.fetch_add(1);
      if (edge<Access::atomic>(word, life, false, false).task) woken.fetch_add(1);
    }
  }};
  // Consumes all there is, then parks; parked with data left would be a lost edge, and this loop would never end.
  int consumed = 0, parks = 0;
  std::uint64_t identity = 0;
  while (consumed < edges) {
    consumed = produced.load();
    if (consumed == edges) break;
    if (arm<Access::atomic>(word, task, identity) != Armed::parked) continue;
    ++parks;
    while (word.load() & parked) std::this_thread::yield();
  }
  kernel.join();
  EXPECT_EQ(woken, parks);
  put_confined_header(task);
}

}  // namespace
}  // namespace reactorlab
