#pragma once
// What a fuzz target is made of: bytes that say what to do, and demands on what comes of it.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

namespace reactorlab::fuzz {

/// Ends the process, which libFuzzer reports together with the input.
[[noreturn]] inline void fail(const char* what) {
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}
inline void demand(bool holds, const char* what) {
  if (!holds) [[unlikely]]
    fail(what);
}

/// Read from the front; once they are used up every byte is 0.
class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) noexcept : bytes_{bytes} {}

  bool empty() const noexcept { return bytes_.empty(); }
  std::uint8_t byte() noexcept {
    if (bytes_.empty()) return 0;
    const std::uint8_t first = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return first;
  }
  /// The same from the back, for what is to stay in step however the front is mutated.
  std::uint8_t byte_from_back() noexcept {
    if (bytes_.empty()) return 0;
    const std::uint8_t last = bytes_.back();
    bytes_ = bytes_.first(bytes_.size() - 1);
    return last;
  }
  /// 0 to limit - 1.
  std::size_t below(std::size_t limit) noexcept { return byte() % limit; }
  std::uint64_t number(unsigned bytes) noexcept {
    std::uint64_t n = 0;
    while (bytes-- != 0) n = n << 8 | byte();
    return n;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

}  // namespace reactorlab::fuzz
