#include "harness/bench/latin_square.hpp"

#include <numeric>
#include <random>
#include <utility>

namespace reactorlab::bench {

std::vector<std::size_t> round_order(std::uint64_t seed, std::size_t cell, std::size_t round, std::size_t entries) {
  const std::size_t block = round / entries;
  std::seed_seq key{seed & 0xffffffffU, seed >> 32U, std::uint64_t{cell}, std::uint64_t{block}};
  std::mt19937_64 random(key);
  std::vector<std::size_t> permutation(entries);
  std::iota(permutation.begin(), permutation.end(), std::size_t{0});
  // Fisher-Yates by hand: std::shuffle may differ between libraries, and the order has to be repeatable.
  for (std::size_t i = entries; i > 1; --i) std::swap(permutation[i - 1], permutation[random() % i]);

  std::vector<std::size_t> order(entries);
  for (std::size_t position = 0; position < entries; ++position) order[position] = permutation[(round + position) % entries];
  return order;
}

}  // namespace reactorlab::bench
