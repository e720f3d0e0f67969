#include "harness/load/ladder.hpp"

#include "harness/load/validity.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <stdexcept>

#include <fmt/format.h>

namespace reactorlab::load {
namespace {

constexpr std::size_t kFields = 3;
constexpr double kRateMax = 1e7;
constexpr double kStepsMax = 100;

/// The numbers between colons, or nothing where there are more or less than three.
std::optional<std::array<double, kFields>> fields_of(std::string_view text) {
  std::array<double, kFields> fields{};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (std::size_t i = 0; i < kFields; ++i) {
    const auto [next, error] = std::from_chars(at, end, fields[i]);
    const bool last = i + 1 == kFields;
    if (error != std::errc{} || (last ? next != end : next == end || *next != ':')) return std::nullopt;
    at = last ? next : next + 1;
  }
  return fields;
}

}  // namespace

Ladder parse_ladder(std::string_view text) {
  const auto fields = fields_of(text);
  const auto valid = [](double low, double high, double steps) {
    return low >= 1 && high > low && high <= kRateMax && steps >= 2 && steps <= kStepsMax && steps == std::floor(steps);
  };
  if (!fields || !valid((*fields)[0], (*fields)[1], (*fields)[2]))
    throw std::invalid_argument(
        fmt::format("--ladder={} isn't LOW:HIGH:STEPS with 1 <= LOW < HIGH <= {:.0f} messages/s and 2 to {:.0f} "
                    "steps, such as 5000:100000:10",
                    text, kRateMax, kStepsMax));
  return {(*fields)[0], (*fields)[1], static_cast<std::size_t>((*fields)[2])};
}

std::vector<double> Ladder::rates() const {
  std::vector<double> rates;
  for (std::size_t i = 0; i < steps; ++i)
    rates.push_back(std::round(low * std::pow(high / low, static_cast<double>(i) / static_cast<double>(steps - 1))));
  rates.erase(std::unique(rates.begin(), rates.end()), rates.end());
  return rates;
}

Knee find_knee(std::span<const Step> steps) {
  const auto sustained = [&](const Step& step) {
    return step.achieved_rate >= kRateRatioMin * step.offered_rate &&
           static_cast<double>(step.p99_ns) <= kKneeFactor * static_cast<double>(steps.front().p99_ns);
  };
  const auto first_beyond = std::find_if_not(steps.begin(), steps.end(), sustained);
  return {static_cast<std::size_t>(first_beyond - steps.begin()), first_beyond != steps.end()};
}

std::vector<Step> climb(const Ladder& ladder, const std::function<std::optional<Step>(double rate)>& measure) {
  std::vector<Step> steps;
  for (const double rate : ladder.rates()) {
    const auto step = measure(rate);
    if (!step) break;
    steps.push_back(*step);
    if (find_knee(steps).reached) break;
  }
  return steps;
}

}  // namespace reactorlab::load
