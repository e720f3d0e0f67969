#include "harness/bench/gate.hpp"

#include "harness/bench/usage.hpp"
#include "harness/measure/nearest_name.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::optional<double> ratio_in(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole && std::isfinite(value) && value > 0 ? std::optional(value) : std::nullopt;
}

const Figure& require_figure(std::string_view name) {
  const auto& known = figures();
  const auto found = std::find_if(known.begin(), known.end(), [&](const Figure& figure) { return figure.name == name; });
  if (found != known.end()) return *found;
  std::vector<std::string> names;
  for (const Figure& figure : known) names.emplace_back(figure.name);
  throw UsageError("--gate: " + measure::unknown_choice("metric", name, names));
}

[[noreturn]] void refuse(const std::string& text, const std::string& cause) {
  throw UsageError(fmt::format("--gate='{}': {}; write METRIC<=RATIO, for example --gate='cpu_ns_per_op<=1.03'", text, cause));
}

}  // namespace

Gate parse_gate(const std::string& text) {
  const auto sign = text.find_first_of("<>=");
  if (sign == std::string::npos) refuse(text, "it has no limit");
  const std::string_view relation = std::string_view(text).substr(sign, 2);
  if (relation != "<=" && relation != ">=") refuse(text, "the limit is given by <= or >=");
  const Figure& figure = require_figure(trimmed(std::string_view(text).substr(0, sign)));
  const auto limit = ratio_in(trimmed(std::string_view(text).substr(sign + 2)));
  if (!limit) refuse(text, "the limit is no positive number");
  const bool lower_is_better = figure.direction == measure::Direction::LowerIsFaster;
  if (lower_is_better != (relation == "<="))
    throw UsageError(fmt::format("--gate='{}': {} {} is better, so its limit is {}RATIO", text, lower_is_better ? "less" : "more",
                                 figure.name, lower_is_better ? "<=" : ">="));
  return {text, &figure, *limit};
}

GateResult result_of(const Gate& gate, const measure::Ratio& ratio) {
  if (!ratio.interval) return GateResult::Inconclusive;
  const auto [low, high, confidence] = *ratio.interval;
  const bool lower_is_better = gate.figure->direction == measure::Direction::LowerIsFaster;
  if (lower_is_better ? high <= gate.limit : low >= gate.limit) return GateResult::Pass;
  if (lower_is_better ? low > gate.limit : high < gate.limit) return GateResult::Regression;
  return GateResult::Inconclusive;
}

}  // namespace reactorlab::bench
