#pragma once
// A table by descriptor in reserved addresses: it grows without moving, allocates nothing, and takes memory only as far as the
// highest descriptor that was asked for. Unsynchronised.

#include <cstddef>
#include <new>
#include <type_traits>

#include "core/sys.hpp"

namespace reactorlab {

/// `Entry` is good as zeros.
template <class Entry>
class DescriptorTable {
 public:
  static_assert(std::is_trivially_copyable_v<Entry> && std::is_trivially_destructible_v<Entry>);
  static constexpr std::size_t most = std::size_t{1} << 20;  ///< fs.nr_open, unless somebody raised it
  static constexpr std::size_t commit_bytes = 64 * 1024;

  /// Throws std::bad_alloc.
  DescriptorTable() : entries_{static_cast<Entry*>(sys::reserve_addresses(most * sizeof(Entry)))} {
    if (!entries_) throw std::bad_alloc{};
  }
  ~DescriptorTable() { sys::release_addresses(entries_, most * sizeof(Entry)); }
  DescriptorTable(const DescriptorTable&) = delete;
  DescriptorTable& operator=(const DescriptorTable&) = delete;

  /// nullptr if there is no memory.
  Entry* make(int fd) noexcept {
    const auto end = (static_cast<std::size_t>(fd) + 1) * sizeof(Entry);
    if (fd < 0 || end > most * sizeof(Entry)) return nullptr;
    if (end > committed_) {
      const std::size_t wanted = (end + commit_bytes - 1) / commit_bytes * commit_bytes;
      if (!sys::commit_memory(reinterpret_cast<std::byte*>(entries_) + committed_, wanted - committed_)) return nullptr;
      committed_ = wanted;
    }
    return &entries_[fd];
  }
  /// nullptr if nobody has made it.
  Entry* find(int fd) noexcept {
    return fd >= 0 && (static_cast<std::size_t>(fd) + 1) * sizeof(Entry) <= committed_ ? &entries_[fd] : nullptr;
  }

 private:
  Entry* entries_;
  std::size_t committed_ = 0;  // bytes
};

}  // namespace reactorlab
