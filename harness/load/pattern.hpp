#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace reactorlab::load {

/// The bytes that every connection sends and expects back: a function of (seed, connection, offset) that costs a table
/// look-up. All connections walk one random table, each from a start of its own. The table's length is prime, so a
/// message that is lost, doubled or taken for another shifts the stream against the table and is seen at once.
class Pattern {
 public:
  /// At most this many bytes are contiguous at any position.
  static constexpr std::size_t kRun = std::size_t{64} * 1024;

  explicit Pattern(std::uint64_t seed);

  /// Where the connection's stream starts.
  [[nodiscard]] std::size_t start_of(std::size_t connection) const noexcept;

  /// kRun valid bytes.
  [[nodiscard]] const char* at(std::size_t position) const noexcept { return table_.data() + position; }

  /// `bytes` is at most kRun.
  [[nodiscard]] static std::size_t advance(std::size_t position, std::size_t bytes) noexcept {
    position += bytes;
    return position < kPeriod ? position : position - kPeriod;
  }

 private:
  static constexpr std::size_t kPeriod = 131071;  // 2^17 - 1, prime

  std::uint64_t seed_;
  std::vector<char> table_;
};

}  // namespace reactorlab::load
