#include "harness/bench/comparison_text.hpp"

#include "harness/measure/power.hpp"

#include <fmt/format.h>

namespace reactorlab::bench {

std::string ratio_text(const measure::Ratio& ratio) {
  if (!ratio.interval) return fmt::format("{:.3f}", ratio.value);
  return fmt::format("{:.3f} [{:.3f}, {:.3f}]", ratio.value, ratio.interval->low, ratio.interval->high);
}

std::string outlook_text(const measure::Outlook& outlook, measure::Verdict verdict) {
  if (verdict != measure::Verdict::Inconclusive) return {};
  const std::string detectable = outlook.detectable ? fmt::format("{:.3f}", *outlook.detectable) : "nothing";
  const std::string rounds =
      outlook.rounds ? fmt::format("{} rounds", *outlook.rounds) : fmt::format("over {} rounds", measure::kMostRounds);
  return fmt::format(" (detectable: {}; for {:g} %: {})", detectable, 100 * measure::kEquivalenceMargin, rounds);
}

}  // namespace reactorlab::bench
