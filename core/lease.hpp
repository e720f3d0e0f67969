#pragma once
// A lease of one pooled read buffer. A connection holds one only while it has data, so idle connections cost no buffer.

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

#include "core/flavour.hpp"
#include "core/types.hpp"

namespace reactorlab {

/// A pooled read buffer and how much of it is filled.
struct ReadBuffer {
  static constexpr std::size_t capacity = 32 * 1024;
  std::uint32_t size;
  std::uint32_t begin;  ///< of what isn't consumed yet, while it waits to be read (completions.hpp)
  ReadBuffer* next;     ///< likewise; and in the pool's common list
  alignas(16) std::byte bytes[capacity];
};

/// Recycles read buffers: a short list per thread. What one thread has too many of the next that has none takes, some at a time:
/// a reactor's thread has buffers filled that workers give back. What is too much for all goes back to the allocator.
class BufferPool {
 public:
  /// nullptr: no memory.
  static ReadBuffer* take() noexcept {
    const std::size_t count = count_;
    if (count == 0) [[unlikely]]
      return take_slow();
    count_ = count - 1;
    ReadBuffer* const buffer = kept_[count - 1];
    if (!buffer) __builtin_unreachable();
    return buffer;
  }
  /// One that was used before; nullptr: there is none.
  static ReadBuffer* take_used() noexcept {
    if (count_ == 0) fetch_used();
    return count_ == 0 ? nullptr : kept_[--count_];
  }
  /// What take() would give without asking the allocator, or nullptr. It is taken by take_kept(), before anything else happens.
  [[gnu::always_inline]] static ReadBuffer* next_kept() noexcept {
    const std::size_t count = count_;
    if (count == 0) [[unlikely]]
      return nullptr;
    ReadBuffer* const buffer = kept_[count - 1];
    if (!buffer) __builtin_unreachable();
    return buffer;
  }
  [[gnu::always_inline]] static void take_kept() noexcept { --count_; }

  [[gnu::always_inline]] static void put(ReadBuffer* buffer) noexcept {
    const std::size_t count = count_;
    if (sanitized || count >= limit_) [[unlikely]]
      return put_slow(buffer);
    kept_[count] = buffer;
    count_ = count + 1;
  }

 private:
  static constexpr std::size_t keep_at_most = 32;
  static constexpr std::size_t moved_at_once = 16;

  static ReadBuffer* take_slow() noexcept;
  static void fetch_used() noexcept;
  /// The first buffer that the thread gives back, or one too many.
  static void put_slow(ReadBuffer* buffer) noexcept;
  static void begin_keeping() noexcept;
  static void flush() noexcept;

  static inline constinit thread_local ReadBuffer* kept_[keep_at_most] = {};
  static inline constinit thread_local std::size_t count_ = 0;
  static inline constinit thread_local std::size_t limit_ = 0;  // keep_at_most, once the thread's end is seen to
};

/// Move-only; returns its buffer to the pool of the thread that drops it. Empty if the read failed or met the end of the stream.
class [[nodiscard]] Lease {
 public:
  Lease() noexcept = default;
  /// Owns the buffer, which holds at least one byte, from here on.
  explicit Lease(ReadBuffer* buffer) noexcept : word_{reinterpret_cast<std::intptr_t>(buffer)} {}
  /// Nothing was read: the end of the stream, or an error.
  explicit Lease(IoResult why) noexcept : word_{why.value()} {}
  /// The word of one that was taken apart, which an operation keeps.
  static Lease of_word(std::intptr_t word) noexcept {
    Lease lease;
    lease.word_ = word;
    return lease;
  }
  Lease(Lease&& other) noexcept : word_{std::exchange(other.word_, 0)} {}
  Lease& operator=(Lease&& other) noexcept {
    if (this != &other) {
      reset();
      word_ = std::exchange(other.word_, 0);
    }
    return *this;
  }
  [[gnu::always_inline]] ~Lease() {
    if (word_ > 0) BufferPool::put(buffer());
  }

  /// > 0: bytes read; 0: end of stream; < 0: -errno.
  IoResult result() const noexcept { return word_ > 0 ? static_cast<long>(buffer()->size) : word_; }
  explicit operator bool() const noexcept { return word_ > 0; }
  std::byte* data() const noexcept { return word_ > 0 ? buffer()->bytes : nullptr; }
  std::size_t size() const noexcept { return word_ > 0 ? buffer()->size : 0; }
  std::span<const std::byte> bytes() const noexcept { return {data(), size()}; }

  [[gnu::always_inline]] void reset() noexcept {
    if (word_ > 0) BufferPool::put(buffer());
    word_ = 0;
  }

 private:
  ReadBuffer* buffer() const noexcept { return reinterpret_cast<ReadBuffer*>(word_); }

  std::intptr_t word_ = 0;  // > 0: the buffer's address; else the result. One word, because it lives in every connection's frame
};

}  // namespace reactorlab
