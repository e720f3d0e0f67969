#pragma once
// A lease of one pooled read buffer. A connection holds one only while it has data, so idle connections cost no buffer.

#include <cstddef>
#include <new>
#include <span>
#include <utility>

#include "core/flavour.hpp"
#include "core/types.hpp"

namespace reactorlab {

/// Recycles read buffers for one thread; a short list, the rest goes back to the allocator.
class BufferPool {
 public:
  static constexpr std::size_t buffer_size = 32 * 1024;

  /// nullptr: no memory.
  static std::byte* take() noexcept {
    const std::size_t count = count_;
    if (count == 0) [[unlikely]] return take_slow();
    count_ = count - 1;
    std::byte* const memory = kept_[count - 1];
    if (!memory) __builtin_unreachable();
    return memory;
  }
  [[gnu::always_inline]] static void put(std::byte* memory) noexcept {
    const std::size_t count = count_;
    if (sanitized || count == keep_at_most) [[unlikely]] return ::operator delete(memory);
    kept_[count] = memory;
    count_ = count + 1;
  }

 private:
  static constexpr std::size_t keep_at_most = 64;

  static std::byte* take_slow() noexcept;
  static void flush() noexcept;

  static inline constinit thread_local std::byte* kept_[keep_at_most] = {};
  static inline constinit thread_local std::size_t count_ = 0;
};

/// Move-only; returns its buffer to the pool of the thread that drops it. Empty if the read failed or met the end of the stream.
class [[nodiscard]] Lease {
 public:
  Lease() noexcept = default;
  /// `result` > 0: bytes in `buffer`, which is owned from here on. Else `buffer` is nullptr.
  Lease(std::byte* buffer, IoResult result) noexcept : buffer_{buffer}, result_{result} {}
  Lease(Lease&& other) noexcept : buffer_{std::exchange(other.buffer_, nullptr)}, result_{std::exchange(other.result_, 0)} {}
  Lease& operator=(Lease&& other) noexcept {
    if (this != &other) {
      reset();
      buffer_ = std::exchange(other.buffer_, nullptr);
      result_ = std::exchange(other.result_, 0);
    }
    return *this;
  }
  [[gnu::always_inline]] ~Lease() {
    if (buffer_) BufferPool::put(buffer_);
  }

  /// > 0: bytes read; 0: end of stream; < 0: -errno.
  IoResult result() const noexcept { return result_; }
  explicit operator bool() const noexcept { return buffer_ != nullptr; }
  std::byte* data() const noexcept { return buffer_; }
  std::size_t size() const noexcept { return buffer_ ? result_.count() : 0; }
  std::span<const std::byte> bytes() const noexcept { return {buffer_, size()}; }

  [[gnu::always_inline]] void reset() noexcept {
    if (buffer_) BufferPool::put(std::exchange(buffer_, nullptr));
  }

 private:
  std::byte* buffer_ = nullptr;
  IoResult result_;
};

}  // namespace reactorlab
