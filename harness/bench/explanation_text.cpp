#include "harness/bench/explanation_text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

std::string number(const std::optional<double>& value, int digits = 1) {
  return value ? fmt::format("{:.{}f}", *value, digits) : "n/a";
}

std::string row(const std::string& name, const std::string& price, const std::array<std::string, 2>& counts,
                const std::array<std::string, 2>& costs, const std::string& difference) {
  return fmt::format("  {:<26} {:>9}  {:>10} {:>10}  {:>10} {:>10}  {:>10}\n", name, price, counts[0], counts[1], costs[0],
                     costs[1], difference);
}

std::string count_text(const Term& term, std::size_t side) {
  return number(term.count[side], 4) + (term.joined[side] && term.occurs() ? "*" : " ");
}

std::string row_of(const Term& term) {
  const std::string difference = term.compared() ? fmt::format("{:+.1f}", *term.cost_ns(0) - *term.cost_ns(1)) : "left out";
  return row(term.name, number(term.price_ns), {count_text(term, 0), count_text(term, 1)},
             {number(term.cost_ns(0)), number(term.cost_ns(1))}, difference);
}

std::string share_text(double predicted, double measured) {
  const double share = residual_share(predicted, measured);
  return fmt::format("{:.0f} %{}", 100 * share, share > kUnexplained ? ", unexplained" : "");
}

std::string side_text(const Explanation& one, std::size_t side) {
  const auto& predicted = one.prediction.cost_ns[side];
  const std::string head =
      fmt::format("  {} {:<20} measured {:>10.1f} ns", side == 0 ? 'A' : 'B', one.entries[side], one.measured_ns[side]);
  if (!predicted) return head + ", predicted n/a: none of its counts has a price\n";
  const std::string residual = one.judged ? fmt::format(", residual {:+.1f} ns ({})", one.measured_ns[side] - *predicted,
                                                        share_text(*predicted, one.measured_ns[side]))
                                          : "";
  return fmt::format("{}, predicted {:>10.1f} ns{}\n", head, *predicted, residual);
}

std::string interval_text(const MeasuredDifference& measured) {
  if (!measured.interval) return fmt::format(" (no interval: {} rounds)", measured.rounds);
  return fmt::format(" [{:+.1f}, {:+.1f}]", measured.interval->low, measured.interval->high);
}

std::string conclusion(const Explanation& one) {
  const auto verdict = verdict_of(one);
  if (!one.prediction.difference_ns) return "n/a: no count is there of both";
  if (!verdict) return "not judged: the primitives are of another machine";
  switch (*verdict) {
    case Explained::Yes: return "explained";
    case Explained::No: break;
    case Explained::NoDifference:
      return "inconclusive: the difference can't be told from 0 here, and the prediction lies in its interval";
  }
  const auto& interval = one.difference.interval;
  const double predicted = *one.prediction.difference_ns;
  const bool inside = interval && predicted >= interval->low && predicted <= interval->high;
  return inside ? "unexplained, though the prediction lies in the interval: more rounds may tell" : "unexplained";
}

std::string difference_text(const Explanation& one) {
  const auto& predicted = one.prediction.difference_ns;
  std::string text = fmt::format("  A - B{:<17} measured {:>+10.1f} ns{}, predicted {}", "", one.difference.median_ns,
                                 interval_text(one.difference), predicted ? fmt::format("{:+.1f} ns", *predicted) : "n/a");
  if (predicted && one.judged)
    text += fmt::format(", residual {:+.1f} ns ({:.0f} %)", one.difference.median_ns - *predicted,
                        100 * residual_share(*predicted, one.difference.median_ns));
  return fmt::format("{}\n  Difference: {}\n", text, conclusion(one));
}

/// "receive (n/a in both)": what a reader has to add in the mind.
std::string not_counted_text(const Explanation& one) {
  std::string both, left_out;
  for (const Term& term : one.prediction.terms) {
    if (!term.count[0] && !term.count[1])
      both += (both.empty() ? "" : ", ") + term.name;
    else if (!term.compared() && (!term.count[0] || !term.count[1]))
      left_out +=
          fmt::format("  Left out of the difference: {}, which {} doesn't count\n", term.name, one.entries[term.count[0] ? 1 : 0]);
  }
  return left_out + (both.empty() ? "" : fmt::format("  n/a, not counted in either: {}\n", both));
}

std::string no_price_text(const Explanation& one) {
  std::string text;
  for (const Term& term : one.prediction.terms)
    if (term.occurs() && !term.price_ns) text += fmt::format("  n/a: the price of {}: {}\n", term.name, term.no_price);
  return text;
}

}  // namespace

std::optional<Explained> verdict_of(const Explanation& one) {
  if (!one.judged || !one.prediction.difference_ns) return std::nullopt;
  return judge(*one.prediction.difference_ns, one.difference);
}

std::string text_of(const Explanation& one) {
  std::string text = fmt::format("\n{} ({})\n", one.cell, one.metric);
  text += row("", "price ns", {"A, per op ", "B, per op "}, {"A ns", "B ns"}, "A - B ns");
  std::string formulas;
  bool joined = false;
  for (const Term& term : one.prediction.terms) {
    if (!term.occurs()) continue;
    text += row_of(term);
    formulas += fmt::format("{}{} = {}", formulas.empty() ? "" : "; ", term.name, term.formula.empty() ? "n/a" : term.formula);
    joined = joined || term.joined[0] || term.joined[1];
  }
  text += row("predicted", "", {"", ""}, {number(one.prediction.cost_ns[0]), number(one.prediction.cost_ns[1])},
              one.prediction.difference_ns ? fmt::format("{:+.1f}", *one.prediction.difference_ns) : "n/a");
  if (!formulas.empty()) text += "  Prices: " + formulas + "\n";
  if (joined) text += "  *: counted in a run of its own, where turns have other sizes than under the clock\n";
  text += no_price_text(one) + not_counted_text(one);
  return text + side_text(one, 0) + side_text(one, 1) + difference_text(one);
}

}  // namespace reactorlab::bench
