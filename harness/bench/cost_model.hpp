#pragma once

#include "harness/bench/operation_counts.hpp"
#include "harness/bench/workload.hpp"
#include "harness/measure/statistics.hpp"
#include "harness/primitives/primitive.hpp"

#include <array>
#include <optional>
#include <string>
#include <vector>

/// Predicted cost = counts x primitives. Nothing is fitted: what the counts don't know is residual. Pure functions of data.
namespace reactorlab::bench {

/// Who wakes the threads of an entry, which says what a wake and a block cost.
enum class Wakes {
  FromOutside,  ///< a server: by packets of a load generator on another CPU; its own threads share one
  SameCpu,      ///< a workload inside the process: its threads share one
  OtherCpu,     ///< one with threads of its own beside the runtime: by those
};

/// What the prices depend on.
struct Setting {
  Wakes wakes = Wakes::FromOutside;
  bool tcp = true;       ///< what is read and written are TCP sockets
  bool cpu_time = true;  ///< it is about CPU time, else about time that passes
};

[[nodiscard]] Setting setting_of(const Cell& cell);

/// From where the model calls a residual unexplained: this share of what was measured.
inline constexpr double kUnexplained = 0.25;

/// A kind of event, what one costs, and how often each side has it. Side 0 is A, side 1 is B.
struct Term {
  std::string name;
  std::string formula;             ///< of the price: "0.5 epoll_ctl_add + 0.5 epoll_ctl_del"
  std::optional<double> price_ns;  ///< of one
  std::string no_price = {};       ///< why there is none
  std::array<std::optional<double>, 2> count = {};
  std::array<bool, 2> joined = {};  ///< counted in a run of its own

  /// Nothing where it isn't counted, or has no price; what doesn't occur costs nothing anyway.
  [[nodiscard]] std::optional<double> cost_ns(std::size_t side) const;
  /// Only a term that both sides have is in the difference.
  [[nodiscard]] bool compared() const { return cost_ns(0) && cost_ns(1); }
  [[nodiscard]] bool occurs() const { return count[0].value_or(0) > 0 || count[1].value_or(0) > 0; }
};

struct Prediction {
  std::vector<Term> terms;
  std::array<std::optional<double>, 2> cost_ns;  ///< of what is known; nothing where nothing is
  std::optional<double> difference_ns;           ///< A - B, of the terms that both have; nothing where there is none
};

[[nodiscard]] Prediction predict(const std::array<OperationCounts, 2>& counts, const Setting& setting,
                                 const primitives::PrimitiveTable& table);

/// The primitives that prices are made of.
[[nodiscard]] std::vector<std::string> priced_primitives();

enum class Explained {
  Yes,           ///< the residual is at most kUnexplained of what was measured
  No,            ///< it is more
  NoDifference,  ///< the measured difference can't be told from 0, and the prediction lies in its interval
};

/// The measured difference of rounds, A - B.
struct MeasuredDifference {
  double median_ns;
  std::optional<measure::Interval> interval;  ///< of the median; nothing below six rounds
  std::size_t rounds;
};

/// REQUIRES: a pair.
[[nodiscard]] MeasuredDifference difference_of(const std::vector<measure::Pair>& rounds);

[[nodiscard]] Explained judge(double predicted_ns, const MeasuredDifference& measured);

/// The residual's share of what was measured, without sign; infinite where nothing was.
[[nodiscard]] double residual_share(double predicted_ns, double measured_ns);

}  // namespace reactorlab::bench
