#pragma once
// Registrations in address-stable, type-stable memory: one reserved range per slab, so that a token is generation(32) | byte
// offset(32) and dispatch needs no lookup. Slots are reused first in, first out, each life with a new generation.
//
// The memory outlives the slab as long as a handle holds a slot of it: handles may outlive their runtime. It is recycled then,
// never unmapped. Unsynchronised, except for surrender().

#include <cstddef>
#include <cstdint>

#include "core/registration.hpp"

namespace reactorlab {

class Completions;

/// Names a registration to the kernel.
using Token = std::uint64_t;

class Slab {
 public:
  static constexpr std::size_t range_bytes = std::size_t{1} << 27;  // 4 M registrations
  static constexpr std::size_t commit_bytes = 64 * 1024;

  Slab();  ///< Throws std::bad_alloc.
  ~Slab();
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  /// A free slot made live for `fd`; nullptr if there is no memory.
  Registration* insert(int fd) noexcept;

  /// Ends the slot's life: both words closed under the next generation. The caller has taken the waiters out.
  void remove(Registration& slot) noexcept;

  Token token_of(const Registration& slot) const noexcept {
    return (slot.words[0].load(relaxed) & readiness::generation_mask) |
           static_cast<std::uint64_t>(reinterpret_cast<const std::byte*>(&slot) - base_);
  }

  /// Where a token's slot lies. Always memory of this slab, whatever the token's age; compare the generation before use.
  Registration& slot_at(Token token) const noexcept {
    return *reinterpret_cast<Registration*>(base_ + static_cast<std::uint32_t>(token));
  }
  /// False for a token that this slab can't have issued. Any thread, also while another inserts.
  bool issued(Token token) const noexcept {
    const auto offset = static_cast<std::uint32_t>(token);
    return offset >= sizeof(Registration) && offset < next_fresh_.load(relaxed) && offset % sizeof(Registration) == 0;
  }

  /// The start of the range that a slot, of whatever slab, lies in.
  static std::byte* base_of(const Registration& slot) noexcept {
    return reinterpret_cast<std::byte*>(reinterpret_cast<std::uintptr_t>(&slot) & ~std::uintptr_t{range_bytes - 1});
  }
  const std::byte* base() const noexcept { return base_; }
  bool owns(const Registration& slot) const noexcept { return base_of(slot) == base_; }
  std::size_t live() const noexcept { return live_; }

  template <class Visit>
  void for_each_live(Visit&& visit) {
    for (std::size_t offset = sizeof(Registration); offset < next_fresh_.load(relaxed); offset += sizeof(Registration)) {
      auto& slot = *reinterpret_cast<Registration*>(base_ + offset);
      if (slot.fd.load(relaxed) >= 0) visit(slot);
    }
  }

  /// Who completes the operations of this slab's sources; nobody from their end on.
  void complete_by(Completions* completions) noexcept;
  static Completions* completions_of(const Registration& slot) noexcept;

  /// A handle gives up a slot of a slab that is gone. Any thread.
  static void surrender(Registration& slot) noexcept;

 private:
  std::byte* base_;
  Atomic<std::uint32_t> next_fresh_{sizeof(Registration)};  // offset 0 is the range's own record; written under the exclusion
  std::uint32_t oldest_free_ = 0;                           // offsets; 0: none
  std::uint32_t newest_free_ = 0;
  std::size_t live_ = 0;
};

}  // namespace reactorlab
