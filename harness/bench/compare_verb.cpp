#include "harness/bench/compare_verb.hpp"

#include "harness/bench/comparison_text.hpp"
#include "harness/bench/gate.hpp"
#include "harness/bench/usage.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace reactorlab::bench {
namespace {

namespace fs = std::filesystem;

/// What is compared with what; A and B may be one run.
struct Sides {
  explicit Sides(const CompareOptions& options) : runs{load_run(options.runs.front())} {
    const fs::path& a = runs.front().path;
    std::error_code ignored;
    if (options.runs.size() > 1 && !fs::equivalent(a, options.runs.back(), ignored)) runs.push_back(load_run(options.runs.back()));
  }
  [[nodiscard]] const StoredRun& a() const { return runs.front(); }
  [[nodiscard]] const StoredRun& b() const { return runs.back(); }
  [[nodiscard]] bool one_run() const { return runs.size() == 1; }

  std::vector<StoredRun> runs;
};

/// "results/x: 21 rounds, commit 88ae674435c7, 2026-11-28T08:20:42Z"
std::string describe(const StoredRun& run) {
  std::size_t rounds = 0;
  for (const Sample& sample : run.samples) rounds = std::max(rounds, sample.round + 1);
  const auto fact = [&](const nlohmann::json& from, const char* name) {
    const auto found = from.find(name);
    return found != from.end() && found->is_string() ? found->get<std::string>() : std::string("n/a");
  };
  const std::string commit = fact(run.provenance.value("build", nlohmann::json::object()), "commit");
  return fmt::format("{}: {} rounds, commit {}, {}", run.path.string(), rounds, commit.substr(0, 12),
                     fact(run.provenance, "started_at"));
}

/// Why ratios of two runs on two machines say little; empty on the same one.
std::string machine_note(const StoredRun& a, const StoredRun& b) {
  const auto machine = [](const StoredRun& run) { return run.provenance.value("machine", nlohmann::json::object()); };
  const auto differ = names_of_differences(machine(a), machine(b));
  return differ.empty() ? "" : fmt::format("They are of different machines, or it has changed: {}.\n", fmt::join(differ, ", "));
}

void print_head(const Sides& sides, const std::string& vs) {
  if (sides.one_run()) {
    fmt::print("{}\nRatio of each entry to {}, round by round: the rounds of one run are interleaved, so they are pairs.\n",
               describe(sides.a()), vs);
    return;
  }
  fmt::print(
      "A  {}\nB  {}\n"
      "Ratio of B to A{}: of the medians, by a bootstrap over rounds. These runs were not interleaved: whatever changed between\n"
      "them, on the machine or beside it, is in every ratio and in no interval. Small differences need entries of one run.\n{}",
      describe(sides.a()), describe(sides.b()), vs.empty() ? "" : "'s " + vs, machine_note(sides.a(), sides.b()));
}

std::optional<double> median_of(const RowSamples& samples, const Figure& figure) {
  std::vector<double> values;
  for (const auto& [round, value] : by_round(samples, figure)) values.push_back(value);
  return values.empty() ? std::nullopt : std::optional(measure::median(std::move(values)));
}

/// The table of a cell's cost. -> how many entries could be compared
std::size_t print_cell(const ComparedCell& cell, bool one_run, std::size_t width) {
  const Metric metric = workload_of(cell.cell.workload).metric;
  const Figure& figure = cost_figure(cell.cell);
  double largest = 0;
  for (const Counterpart& pair : cell.entries) largest = std::max(largest, median_of(pair.values, figure).value_or(0));
  const Scale scale = scale_of(metric, largest);
  const auto scaled = [&](const RowSamples& samples) {
    const auto value = median_of(samples, figure);
    return value ? fmt::format("{:.{}f}", *value / scale.divisor, scale.digits) : "n/a";
  };
  const auto comparisons = compare(cell, figure, one_run);
  fmt::print("\n{} ({}, {})\n  {:<{}}  {:>9}  {:>9}  {:<22}  {:>3}  verdict\n", describe(cell.cell), figure.name, scale.unit,
             "entry", width, one_run ? "baseline" : "A", one_run ? "entry" : "B", "ratio [95 %]", "n");
  std::size_t compared = 0;
  for (std::size_t i = 0; i < cell.entries.size(); ++i) {
    const Counterpart& pair = cell.entries[i];
    const auto& one = comparisons[i];
    const std::string verdict =
        one ? fmt::format("{}{}", verdict_text(metric, one->verdict), outlook_text(one->outlook, one->verdict)) : "n/a";
    fmt::print("  {:<{}}  {:>9}  {:>9}  {:<22}  {:>3}  {}\n", pair.entry, width, scaled(pair.baseline), scaled(pair.values),
               one ? ratio_text(one->ratio) : "n/a", one ? one->ratio.rounds : 0, verdict);
    compared += one ? 1 : 0;
  }
  return compared;
}

std::size_t print_cells(const Pairing& pairing, bool one_run) {
  std::size_t width = 5, compared = 0;
  for (const ComparedCell& cell : pairing.cells)
    for (const Counterpart& pair : cell.entries) width = std::max(width, pair.entry.size());
  for (const ComparedCell& cell : pairing.cells) compared += print_cell(cell, one_run, width);
  const auto means = geometric_means(pairing, one_run);
  if (!means.empty()) fmt::print("\nGeometric mean over cells, each of the same weight:\n");
  for (const EntryMean& mean : means)
    fmt::print("  {:<{}}  {} over {} cells\n", mean.entry, width, ratio_text(mean.ratio), mean.cells);
  fmt::print("\nEach interval holds its 95 % by itself; a verdict is upheld by Holm's correction over the entries of its cell.\n");
  return compared;
}

/// What the gates found.
struct Tally {
  std::size_t pass = 0, regression = 0, inconclusive = 0;
  std::vector<std::string> unchecked;  ///< why something couldn't be judged
};

void check_entry(const Gate& gate, const Counterpart& pair, const std::optional<measure::Comparison>& one, Tally& tally) {
  const bool in_a = median_of(pair.baseline, *gate.figure).has_value(), in_b = median_of(pair.values, *gate.figure).has_value();
  if (!in_a && !in_b) return;  // the workload has no such figure
  const std::string who = fmt::format("{} in {}", pair.entry, describe(pair.cell));
  if (!one) {
    tally.unchecked.push_back(fmt::format("{}: {} {}", who, gate.figure->name,
                                          in_a && in_b ? "has no round that is positive in both"
                                          : in_a       ? "is missing in B"
                                                       : "is missing in A"));
    return;
  }
  const GateResult result = result_of(gate, one->ratio);
  tally.pass += result == GateResult::Pass ? 1 : 0;
  tally.regression += result == GateResult::Regression ? 1 : 0;
  tally.inconclusive += result == GateResult::Inconclusive ? 1 : 0;
  if (result != GateResult::Pass)
    fmt::print("  {:<12}  {}: {}\n", result == GateResult::Regression ? "regression" : "inconclusive", who, ratio_text(one->ratio));
}

void check_gate(const Gate& gate, const Pairing& pairing, bool one_run, Tally& total) {
  fmt::print("\nGate {}:\n", gate.text);
  Tally tally;
  for (const ComparedCell& cell : pairing.cells) {
    const auto comparisons = compare(cell, *gate.figure, one_run);
    for (std::size_t i = 0; i < cell.entries.size(); ++i) check_entry(gate, cell.entries[i], comparisons[i], tally);
  }
  const std::size_t checked = tally.pass + tally.regression + tally.inconclusive;
  fmt::print("  {} of {} comparisons pass\n", tally.pass, checked);
  if (checked == 0 && tally.unchecked.empty())
    tally.unchecked.push_back(fmt::format("no workload that was compared has {}", gate.figure->name));
  total.pass += tally.pass;
  total.regression += tally.regression;
  total.inconclusive += tally.inconclusive;
  total.unchecked.insert(total.unchecked.end(), tally.unchecked.begin(), tally.unchecked.end());
}

void say_what_is_unchecked(const Tally& tally) {
  for (const std::string& reason : tally.unchecked) fmt::print(stderr, "bench: not comparable: {}\n", reason);
}

/// Says it on standard error. -> the status
int conclude(const Tally& tally) {
  if (tally.regression > 0) {
    fmt::print(stderr,
               "bench: regression: {} comparison{} beyond the limit with the whole interval. Find the change that did it, or raise "
               "the limit if that is its price\n",
               tally.regression, tally.regression == 1 ? " is" : "s are");
    return kExitRegression;
  }
  if (!tally.unchecked.empty()) {
    say_what_is_unchecked(tally);
    fmt::print(stderr,
               "bench: what can't be compared passes no gate. Measure it again, or choose others with --engine and --workload\n");
    return kExitNotComparable;
  }
  if (tally.inconclusive > 0) {
    fmt::print(
        stderr,
        "bench: inconclusive: the interval of {} comparison{} the limit, or there is none. Measure more rounds (--rounds), or "
        "allow more\n",
        tally.inconclusive, tally.inconclusive == 1 ? " holds" : "s holds");
    return kExitInconclusive;
  }
  return kExitOk;
}

int compare_runs(const CompareOptions& options, const std::vector<Gate>& gates) {
  const Sides sides(options);
  if (sides.one_run() && options.choice.vs.empty())
    throw UsageError("entries of one run are compared with one of them: name it with --vs=ENTRY, or name a second results folder");
  const Pairing pairing = pair_up(sides.a(), sides.b(), options.choice);
  for (const StoredRun& run : sides.runs)
    for (const std::string& damage : run.damage) fmt::print(stderr, "bench: {}: {}; left out\n", run.path.string(), damage);
  for (const std::string& note : pairing.notes) fmt::print(stderr, "bench: {}\n", note);
  Tally tally;
  tally.unchecked = pairing.unusable;
  if (pairing.cells.empty()) {
    if (tally.unchecked.empty()) tally.unchecked.emplace_back("they have no entry and workload in common");
    return conclude(tally);
  }
  print_head(sides, options.choice.vs);
  const std::size_t compared = print_cells(pairing, sides.one_run());
  if (compared == 0) tally.unchecked.emplace_back("no figure is in both of them");
  for (const Gate& gate : gates) check_gate(gate, pairing, sides.one_run(), tally);
  std::fflush(stdout);
  if (!gates.empty() || compared == 0) return conclude(tally);
  say_what_is_unchecked(tally);
  return kExitOk;
}

}  // namespace

void add_compare(CLI::App& app, CompareOptions& options) {
  CLI::App& verb = *app.add_subcommand("compare", "two runs, or two entries of one: ratios with intervals, and gates for a script");
  verb.add_option("runs", options.runs, "results folders: A and B (the ratio is B to A), or one of which --vs names the baseline")
      ->required()
      ->expected(1, 2);
  verb.add_option("--engine", options.choice.engines, "only these entries, separated by commas")->delimiter(',');
  verb.add_option("--vs", options.choice.vs, "the entry of A that is compared with (default with two runs: the same one)");
  verb.add_option("--workload", options.choice.workload, "regular expression on the workload's name");
  verb.add_option("--gate", options.gates, "METRIC<=RATIO, or >= where more is better; may be repeated")->allow_extra_args(false);
  std::string metrics;
  for (const Figure& figure : figures()) metrics += fmt::format("{}{}", metrics.empty() ? "" : ", ", figure.name);
  verb.footer(fmt::format(R"(
Examples:
  bench compare results/before results/after                         each entry before and after
  bench compare results/x --engine=arc_mutex --vs=thread_local       one to another, in every workload
  bench compare results/x --vs=raw_epoll                             all to one
  bench compare results/before results/after --gate='cpu_ns_per_op<=1.03' --workload=tcp_echo

Entries of one run were interleaved round by round: their ratio is the median of the rounds' ratios with an exact sign-test
interval. Two runs were not: theirs is the ratio of the medians with a bootstrap interval, and it includes whatever changed
on the machine in between.

Metrics of a gate: {}.
A gate looks at every comparison that was chosen, each by its own 95 % interval.

Exit status:
  0  compared; every gate passes: the whole interval keeps the limit
  1  regression: the whole interval of a comparison is beyond the limit
  2  usage
  3  inconclusive: the limit is inside an interval, or there are too few rounds for one (below 6)
  4  not comparable: nothing in common, a file is missing, all samples are void)",
                          metrics));
}

int compare_verb(const CompareOptions& options) {
  std::vector<Gate> gates;
  for (const std::string& text : options.gates) gates.push_back(parse_gate(text));
  try {
    return compare_runs(options, gates);
  } catch (const UsageError&) {
    throw;
  } catch (const std::exception& error) {  // 1 would say that it was compared
    fmt::print(stderr, "bench: cannot compare: {}\n", error.what());
    return kExitNotComparable;
  }
}

}  // namespace reactorlab::bench
