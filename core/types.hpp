#pragma once
// Plain values that every layer shares.

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <system_error>

namespace reactorlab {

/// The two halves of a source; each has its own readiness and its own waiters.
enum class Direction : std::uint8_t { read = 0, write = 1 };
inline constexpr unsigned direction_count = 2;

/// What a registration asks the kernel to report. Errors and hang-ups are always reported.
enum class Interest : std::uint8_t { none = 0, read = 1, write = 2, both = 3 };

constexpr Interest interest_of(Direction direction) noexcept {
  return direction == Direction::read ? Interest::read : Interest::write;
}
constexpr Interest operator|(Interest a, Interest b) noexcept {
  return static_cast<Interest>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool covers(Interest have, Interest want) noexcept {
  return (static_cast<unsigned>(have) & static_cast<unsigned>(want)) == static_cast<unsigned>(want);
}

/// The result of an operation: a count (or a descriptor) if >= 0, else -errno. io_uring's convention, so that readiness and
/// completion backends speak alike. Errors of our own making:
///   -ECANCELED  the operation was cancelled        -ESHUTDOWN  its runtime is shutting down or gone
///   -EBADF      the handle was closed              -ETIME      a timeout() ran out (connect's own is -ETIMEDOUT)
///   -EXDEV      a confined runtime's handle was awaited on a thread that isn't its own
class [[nodiscard]] IoResult {
 public:
  constexpr IoResult() noexcept = default;
  constexpr IoResult(long value) noexcept : value_{value} {}  // NOLINT: a syscall's return value is one

  constexpr bool ok() const noexcept { return value_ >= 0; }
  constexpr explicit operator bool() const noexcept { return ok(); }
  constexpr long value() const noexcept { return value_; }
  constexpr std::size_t count() const noexcept { return static_cast<std::size_t>(value_); }
  /// errno, positive; 0 if the operation succeeded.
  constexpr int error() const noexcept { return value_ < 0 ? static_cast<int>(-value_) : 0; }
  std::error_code error_code() const noexcept { return {error(), std::system_category()}; }
  friend constexpr bool operator==(IoResult a, IoResult b) noexcept { return a.value_ == b.value_; }

 private:
  long value_ = 0;
};

using Duration = std::chrono::nanoseconds;

/// A point on the runtime's monotonic clock, in nanoseconds. `never` lies beyond every deadline.
enum class TimePoint : std::uint64_t { never = UINT64_MAX };
constexpr std::uint64_t nanoseconds_of(TimePoint t) noexcept { return static_cast<std::uint64_t>(t); }

/// Saturates instead of wrapping: a huge duration means very far, a negative one means the past.
constexpr TimePoint operator+(TimePoint t, Duration d) noexcept {
  const std::uint64_t base = nanoseconds_of(t);
  if (d.count() < 0) {
    const auto back = static_cast<std::uint64_t>(-(d.count() + 1)) + 1;
    return TimePoint{base > back ? base - back : 0};
  }
  const auto forward = static_cast<std::uint64_t>(d.count());
  return base > UINT64_MAX - forward ? TimePoint::never : TimePoint{base + forward};
}

}  // namespace reactorlab
