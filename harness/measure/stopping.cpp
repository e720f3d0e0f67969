#include "harness/measure/stopping.hpp"

#include <cmath>

namespace reactorlab::measure {

std::vector<std::size_t> looks_until(std::size_t rounds) {
  constexpr std::size_t kFirst[] = {9, 15, 21, 28, 42, 56};
  constexpr std::size_t kStep = 28;
  std::vector<std::size_t> looks;
  for (const std::size_t look : kFirst)
    if (look < rounds) looks.push_back(look);
  for (std::size_t look = kFirst[5] + kStep; look < rounds; look += kStep) looks.push_back(look);
  looks.push_back(rounds);
  return looks;
}

double confidence_of_looks(std::size_t looks) { return 1 - 0.05 / static_cast<double>(looks); }

bool is_precise(std::span<const Pairs> family, double half_width, double confidence) {
  bool any = false;
  for (const Pairs& pairs : family) {
    const auto ratio = paired_ratio(pairs, confidence);
    if (!ratio) continue;
    if (!ratio->interval || std::log(ratio->interval->high / ratio->interval->low) / 2 > std::log1p(half_width)) return false;
    any = true;
  }
  return any;
}

}  // namespace reactorlab::measure
