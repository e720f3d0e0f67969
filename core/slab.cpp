#include "core/slab.hpp"

#include <new>

#include "core/immortal.hpp"
#include "core/sys.hpp"

namespace reactorlab {
namespace {

/// The record at the start of a range, in the place of slot 0.
struct Range {
  Atomic<std::uint32_t> holders;  // handles that hold a slot and have no slab any more; plus slab_lives
  std::uint32_t committed;        // bytes with memory behind them
  Range* next_spare;
  Atomic<Completions*> completions{nullptr};
};
static_assert(sizeof(Range) <= sizeof(Registration));

struct SpareRanges {
  PlainMutex mutex;
  Range* head = nullptr;  // guarded by mutex
};
SpareRanges& spare_ranges() noexcept {
  static constinit Immortal<SpareRanges> instance;
  return instance.get();
}

Range& range_at(std::byte* base) noexcept { return *std::launder(reinterpret_cast<Range*>(base)); }

std::byte* reserve_range() {
  constexpr std::size_t size = Slab::range_bytes;
  auto* const wide = static_cast<std::byte*>(sys::reserve_addresses(2 * size));
  if (!wide) throw std::bad_alloc{};
  const auto address = reinterpret_cast<std::uintptr_t>(wide);
  const std::size_t before = (size - address % size) % size;
  if (before) sys::release_addresses(wide, before);
  std::byte* const base = wide + before;
  sys::release_addresses(base + size, size - before);
  // Readable from the start (as zeros), so that dispatch may look at any token's slot before it has judged the token.
  if (!sys::make_readable(base, size) || !sys::commit_memory(base, Slab::commit_bytes)) {
    sys::release_addresses(base, size);
    throw std::bad_alloc{};
  }
  auto* const range = new (base) Range{};
  range->committed = Slab::commit_bytes;
  return base;
}

// Far more than there can be handles: a handle that gives up its slot while the slab still lives, though its home doesn't look
// for handles any more, leaves a debt that ~Slab settles.
constexpr std::uint32_t slab_lives = std::uint32_t{1} << 31;

/// Adds to the holders; whoever brings them to 0 puts the range by for the next slab.
void add_holders(std::byte* base, std::uint32_t difference) noexcept {
  Range& range = range_at(base);
  if (range.holders.fetch_add(difference, acq_rel) + difference != 0 || mutated(Mutant::spare_range_forgotten)) return;
  SpareRanges& spare = spare_ranges();
  LockGuard lock{spare.mutex};
  range.next_spare = spare.head;
  spare.head = &range;
}

}  // namespace

Slab::Slab() {
  SpareRanges& spare = spare_ranges();
  {
    LockGuard lock{spare.mutex};
    base_ = reinterpret_cast<std::byte*>(spare.head);
    if (spare.head) spare.head = spare.head->next_spare;
  }
  if (!base_) base_ = reserve_range();
  range_at(base_).holders.store(slab_lives, relaxed);
}

Slab::~Slab() {
  // Every slot that a handle still holds keeps the range; surrender() gives it back.
  add_holders(base_, static_cast<std::uint32_t>(live_) - slab_lives);
}

Registration* Slab::insert(int fd) noexcept {
  Registration* slot;
  if (oldest_free_) {
    slot = reinterpret_cast<Registration*>(base_ + oldest_free_);
    if (!mutated(Mutant::slot_handed_out_twice)) oldest_free_ = slot->next_free;
    if (!oldest_free_) newest_free_ = 0;
  } else {
    Range& range = range_at(base_);
    if (next_fresh_ == range_bytes) return nullptr;
    if (next_fresh_ == range.committed) {
      if (mutated(Mutant::failed_commit_counts_slot)) ++live_;
      if (!sys::commit_memory(base_ + range.committed, commit_bytes)) return nullptr;
      if (mutated(Mutant::failed_commit_counts_slot)) --live_;
      range.committed += commit_bytes;
    }
    slot = reinterpret_cast<Registration*>(base_ + next_fresh_);
    next_fresh_ += sizeof(Registration);
  }
  // A recycled range still carries the generations of its former lives, so they go on from there.
  const std::uint64_t generation = (slot->words[0].load(relaxed) & readiness::generation_mask) +
                                   (mutated(Mutant::token_without_generation) ? 0 : std::uint64_t{1} << 32);
  slot->more = nullptr;
  slot->interest.store(Interest::none, relaxed);
  slot->kind = SourceKind::descriptor;
  slot->completes = false;
  slot->fd.store(fd, relaxed);
  for (auto& word : slot->words) word.store(generation, release);
  ++live_;
  return slot;
}

void Slab::remove(Registration& slot) noexcept {
  const std::uint64_t ended = (slot.words[0].load(relaxed) & readiness::generation_mask) | readiness::closed;
  for (auto& word : slot.words) word.store(ended, release);
  slot.fd.store(-1, relaxed);
  slot.next_free = 0;
  --live_;
  if (mutated(Mutant::removed_slot_leaks)) return;
  const auto offset = static_cast<std::uint32_t>(reinterpret_cast<std::byte*>(&slot) - base_);
  if (newest_free_) {
    reinterpret_cast<Registration*>(base_ + newest_free_)->next_free = offset;
  } else {
    oldest_free_ = offset;
  }
  newest_free_ = offset;
}

void Slab::complete_by(Completions* completions) noexcept { range_at(base_).completions.store(completions, release); }

Completions* Slab::completions_of(const Registration& slot) noexcept { return range_at(base_of(slot)).completions.load(acquire); }

void Slab::surrender(Registration& slot) noexcept {
  const std::uint64_t ended = (slot.words[0].load(relaxed) & readiness::generation_mask) | readiness::closed;
  for (auto& word : slot.words) word.store(ended, release);
  slot.fd.store(-1, relaxed);
  add_holders(base_of(slot), -1u);
}

}  // namespace reactorlab
