#include "harness/measure/geometric_mean.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace reactorlab::measure {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double logarithm(double value) { return value > 0 ? std::log(value) : kNone; }

/// The median of those of `logs` that were drawn and exist.
double median_of_drawn(const std::vector<double>& logs, const std::vector<std::size_t>& drawn) {
  std::vector<double> present;
  for (const std::size_t round : drawn)
    if (!std::isnan(logs[round])) present.push_back(logs[round]);
  return present.empty() ? kNone : median(std::move(present));
}

/// Logarithms by workload, then round.
using Logs = std::vector<std::vector<double>>;

double mean_of_medians(const Logs& workloads, const std::vector<std::size_t>& drawn) {
  double sum = 0;
  for (const auto& logs : workloads) sum += median_of_drawn(logs, drawn);
  return sum / static_cast<double>(workloads.size());
}

Logs logs_of(std::span<const WorkloadRounds> workloads, std::vector<double> WorkloadRounds::*side) {
  Logs all;
  for (const WorkloadRounds& workload : workloads) {
    all.emplace_back();
    for (const double value : workload.*side) all.back().push_back(logarithm(value));
  }
  return all;
}

}  // namespace

std::optional<Ratio> geometric_mean_ratio(std::span<const WorkloadRounds> workloads, Rounds rounds, double confidence,
                                          const BootstrapSettings& settings) {
  if (workloads.empty() || workloads[0].values.empty() || workloads[0].baseline.empty()) return std::nullopt;
  Logs values = logs_of(workloads, &WorkloadRounds::values);
  const Logs baseline = logs_of(workloads, &WorkloadRounds::baseline);
  std::vector<std::size_t> groups = {values[0].size()};
  if (rounds == Rounds::Paired) {
    for (std::size_t i = 0; i < values.size(); ++i)
      for (std::size_t round = 0; round < values[i].size(); ++round) values[i][round] -= baseline[i][round];
  } else {
    groups.push_back(baseline[0].size());
  }
  const auto figure = [&](const Draw& draw) {
    return mean_of_medians(values, draw[0]) - (draw.size() > 1 ? mean_of_medians(baseline, draw[1]) : 0);
  };
  Draw whole;
  for (const std::size_t size : groups) {
    whole.emplace_back(size);
    std::iota(whole.back().begin(), whole.back().end(), std::size_t{0});
  }
  const double value = figure(whole);
  if (std::isnan(value)) return std::nullopt;
  const auto interval = from_logarithms(Bootstrap(groups, figure, settings).interval(confidence));
  return Ratio{std::exp(value), interval, *std::min_element(groups.begin(), groups.end())};
}

}  // namespace reactorlab::measure
