#include "core/slab.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <vector>

namespace reactorlab {
namespace {

std::uint64_t generation_of(const Registration& slot) { return slot.words[0].load() >> 32; }

TEST(SlabTest, ASlotIsLiveAndEmptyAndFoundByItsToken) {
  Slab slab;
  Registration* const slot = slab.insert(5);
  ASSERT_NE(slot, nullptr);
  EXPECT_EQ(slab.live(), 1u);
  EXPECT_EQ(slot->fd.load(), 5);
  EXPECT_EQ(slot->interest.load(), Interest::none);
  for (const auto& word : slot->words) EXPECT_EQ(word.load() & UINT32_MAX, 0u);
  const Token token = slab.token_of(*slot);
  EXPECT_TRUE(slab.issued(token));
  EXPECT_EQ(&slab.slot_at(token), slot);
  EXPECT_TRUE(readiness::same_life(token, slot->words[0].load()));
  slab.remove(*slot);
  EXPECT_EQ(slab.live(), 0u);
}

TEST(SlabTest, ARemovedSlotIsClosedAndItsNextLifeHasAnotherToken) {
  Slab slab;
  Registration* const slot = slab.insert(5);
  const Token first = slab.token_of(*slot);
  slab.remove(*slot);
  for (const auto& word : slot->words) EXPECT_TRUE(word.load() & readiness::closed);
  EXPECT_EQ(slot->fd.load(), -1);
  Registration* const again = slab.insert(6);
  ASSERT_EQ(again, slot);
  const Token second = slab.token_of(*again);
  EXPECT_NE(first, second);
  EXPECT_EQ(&slab.slot_at(first), &slab.slot_at(second));
  EXPECT_FALSE(readiness::same_life(first, again->words[0].load()));
  slab.remove(*again);
}

TEST(SlabTest, FreeSlotsAreReusedInTheOrderTheyWereFreed) {
  Slab slab;
  std::vector<Registration*> slots;
  for (int fd = 0; fd < 8; ++fd) slots.push_back(slab.insert(fd));
  const std::vector<std::size_t> order = {3, 0, 7, 5};
  for (const std::size_t i : order) slab.remove(*slots[i]);
  for (const std::size_t i : order) EXPECT_EQ(slab.insert(100), slots[i]);
  EXPECT_EQ(slab.live(), 8u);
  for (Registration* slot : slots) slab.remove(*slot);
}

TEST(SlabTest, GrowsWithoutMovingAnything) {
  constexpr int count = 10'000;
  Slab slab;
  std::set<Registration*> slots;
  for (int fd = 0; fd < count; ++fd) {
    Registration* const slot = slab.insert(fd);
    ASSERT_NE(slot, nullptr);
    EXPECT_TRUE(slots.insert(slot).second);
    EXPECT_TRUE(slab.owns(*slot));
  }
  std::set<int> fds;
  slab.for_each_live([&](Registration& slot) {
    EXPECT_TRUE(slots.contains(&slot));
    fds.insert(slot.fd.load());
  });
  EXPECT_EQ(fds.size(), std::size_t{count});
  for (Registration* slot : slots) slab.remove(*slot);
  EXPECT_EQ(slab.live(), 0u);
}

TEST(SlabTest, KnowsWhichTokensItCanHaveIssued) {
  Slab slab;
  Registration* const slot = slab.insert(1);
  const Token token = slab.token_of(*slot);
  EXPECT_FALSE(slab.issued(0));
  EXPECT_FALSE(slab.issued(token + 1));
  EXPECT_FALSE(slab.issued(Slab::range_bytes - sizeof(Registration)));
  EXPECT_FALSE(slab.issued(UINT32_MAX));
  slab.remove(*slot);
}

TEST(SlabTest, AHeldSlotOutlivesItsSlabAndGivesTheMemoryBackAtTheEnd) {
  auto first = std::make_unique<Slab>();
  Registration* const held = first->insert(5);
  const std::uint64_t generation = generation_of(*held);
  first.reset();
  EXPECT_EQ(generation_of(*held), generation);  // still ours to look at

  Slab second;
  EXPECT_FALSE(second.owns(*held));
  Slab::surrender(*held);
  EXPECT_TRUE(held->words[0].load() & readiness::closed);

  Slab third;  // recycles the range, and goes on counting lives where it stood
  ASSERT_TRUE(third.owns(*held));
  std::vector<Registration*> slots;
  do slots.push_back(third.insert(6));
  while (slots.back() != held && slots.size() < 10);
  ASSERT_EQ(slots.back(), held);
  EXPECT_GT(generation_of(*held), generation);
  for (Registration* slot : slots) third.remove(*slot);
}

}  // namespace
}  // namespace reactorlab
