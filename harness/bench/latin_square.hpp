#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace reactorlab::bench {

/// The order in which `entries` contenders run in a round. `entries` successive rounds are a block: a cyclic Latin
/// square over a permutation of its own, so that in a block everybody runs once in each position and drift hits all
/// alike. The same arguments always give the same order. (nanobench's design for comparing on a noisy machine.)
[[nodiscard]] std::vector<std::size_t> round_order(std::uint64_t seed, std::size_t cell, std::size_t round, std::size_t entries);

}  // namespace reactorlab::bench
