#include "harness/measure/comparison.hpp"

#include "harness/measure/holm.hpp"
#include "harness/measure/normal.hpp"
#include "harness/measure/power.hpp"
#include "harness/measure/signs.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

namespace reactorlab::measure {
namespace {

using Comparisons = std::vector<std::optional<Comparison>>;

/// The margin's ends among log-ratios.
struct Margin {
  explicit Margin(double margin) : low(std::log1p(-margin)), high(std::log1p(margin)) {}
  double low, high;
};

/// Adjusts the p values of one claim over the family.
void correct(Comparisons& family, double Significance::*claim) {
  std::vector<double> p;
  for (const auto& one : family)
    if (one) p.push_back(one->significance.*claim);
  const std::vector<double> adjusted = holm_adjusted(p);
  std::size_t next = 0;
  for (auto& one : family) {
    if (!one) continue;
    one->significance.family = p.size();
    one->significance.*claim = adjusted[next++];
  }
}

/// The verdict of the comparison by itself, unless the correction takes it back.
Verdict upheld(const Comparison& one, const Judging& judging) {
  const Verdict verdict = verdict_of(one.ratio, judging.direction, judging.margin);
  const double p = verdict == Verdict::Equivalent ? one.significance.equivalent : one.significance.different;
  return p <= 1 - judging.confidence + 1e-12 ? verdict : Verdict::Inconclusive;
}

/// `outlook_of` an index of the family and its alpha.
void judge(Comparisons& family, const Judging& judging, const std::function<Outlook(std::size_t, double)>& outlook_of) {
  correct(family, &Significance::different);
  correct(family, &Significance::equivalent);
  for (std::size_t i = 0; i < family.size(); ++i) {
    if (!family[i]) continue;
    family[i]->verdict = upheld(*family[i], judging);
    const double alpha = (1 - judging.confidence) / static_cast<double>(family[i]->significance.family);
    if (family[i]->verdict == Verdict::Inconclusive) family[i]->outlook = outlook_of(i, alpha);
  }
}

std::optional<Comparison> paired(const Pairs& pairs, const Judging& judging) {
  const auto ratio = paired_ratio(pairs, judging.confidence);
  if (!ratio) return std::nullopt;
  const std::vector<double> logs = log_ratios(pairs);
  const Margin margin(judging.margin);
  Comparison one;
  one.ratio = *ratio;
  one.significance = {.different = p_of_median(logs, 0), .equivalent = p_of_median_outside(logs, margin.low, margin.high)};
  return one;
}

Outlook paired_outlook(const Pairs& pairs, double alpha, double margin) {
  const std::vector<double> logs = log_ratios(pairs);
  const Scatter scatter(logs);
  return {.detectable = detectable_ratio(scatter, logs.size(), {alpha, margin}),
          .rounds = rounds_for_precision(scatter, 1 - alpha, margin)};
}

std::vector<double> positive(std::vector<double> values) {
  std::erase_if(values, [](double value) { return !(value > 0); });
  return values;
}

std::optional<Comparison> independent(const Independent& sides, const Judging& judging, const BootstrapSettings& settings) {
  const std::vector<double> values = positive(sides.values), baseline = positive(sides.baseline);
  if (values.empty() || baseline.empty()) return std::nullopt;
  const auto median_of = [](const std::vector<double>& side, const std::vector<std::size_t>& rounds) {
    std::vector<double> drawn(rounds.size());
    std::transform(rounds.begin(), rounds.end(), drawn.begin(), [&](std::size_t round) { return side[round]; });
    return median(std::move(drawn));
  };
  const auto figure = [&](const Draw& draw) { return std::log(median_of(values, draw[0]) / median_of(baseline, draw[1])); };
  const Bootstrap bootstrap({values.size(), baseline.size()}, figure, settings);
  const Margin margin(judging.margin);
  Comparison one;
  one.ratio = {median(values) / median(baseline), from_logarithms(bootstrap.interval(judging.confidence)),
               std::min(values.size(), baseline.size())};
  one.significance = {.different = bootstrap.p_of(0), .equivalent = bootstrap.p_of_outside(margin.low, margin.high)};
  return one;
}

/// From the width of the interval that there is.
Outlook independent_outlook(const Ratio& ratio, double alpha, const Judging& judging) {
  if (!ratio.interval) return {};
  const double half_width = std::log(ratio.interval->high / ratio.interval->low) / 2;
  const double error = half_width / normal_quantile((1 + judging.confidence) / 2);
  const double needed = normal_quantile(1 - alpha / 2) * error, margin = std::log1p(judging.margin);
  Outlook outlook{.detectable = std::exp(std::max(needed, margin) + normal_quantile(0.8) * error), .rounds = std::nullopt};
  const double narrowing = needed / margin;
  const double rounds = std::ceil(static_cast<double>(ratio.rounds) * narrowing * narrowing);
  const std::size_t fewest = fewest_rounds(1 - alpha);
  if (rounds <= static_cast<double>(kMostRounds)) outlook.rounds = std::max(fewest, static_cast<std::size_t>(rounds));
  return outlook;
}

}  // namespace

Comparisons compare_paired(std::span<const Pairs> family, const Judging& judging) {
  Comparisons comparisons;
  for (const Pairs& pairs : family) comparisons.push_back(paired(pairs, judging));
  judge(comparisons, judging, [&](std::size_t i, double alpha) { return paired_outlook(family[i], alpha, judging.margin); });
  return comparisons;
}

Comparisons compare_independent(std::span<const Independent> family, const Judging& judging, const BootstrapSettings& settings) {
  Comparisons comparisons;
  for (const Independent& sides : family) comparisons.push_back(independent(sides, judging, settings));
  judge(comparisons, judging,
        [&](std::size_t i, double alpha) { return independent_outlook(comparisons[i]->ratio, alpha, judging); });
  return comparisons;
}

}  // namespace reactorlab::measure
