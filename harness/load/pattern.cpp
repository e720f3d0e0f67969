#include "harness/load/pattern.hpp"

#include <algorithm>

namespace reactorlab::load {
namespace {

/// SplitMix64 (Sebastiano Vigna).
std::uint64_t mix(std::uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

Pattern::Pattern(std::uint64_t seed) : seed_(seed), table_(kPeriod + kRun) {
  for (std::size_t i = 0; i < kPeriod; ++i) table_[i] = static_cast<char>(mix(seed + i) & 0xff);
  std::copy_n(table_.begin(), kRun, table_.begin() + kPeriod);
}

std::size_t Pattern::start_of(std::size_t connection) const noexcept {
  return static_cast<std::size_t>(mix(mix(seed_) ^ connection) % kPeriod);
}

}  // namespace reactorlab::load
