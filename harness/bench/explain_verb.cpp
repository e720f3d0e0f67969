#include "harness/bench/explain_verb.hpp"

#include "harness/bench/compare.hpp"
#include "harness/bench/explanation_text.hpp"
#include "harness/bench/stored_run.hpp"
#include "harness/bench/usage.hpp"
#include "harness/measure/host_facts.hpp"
#include "harness/measure/nearest_name.hpp"
#include "harness/primitives/catalogue.hpp"
#include "harness/primitives/primitive.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace reactorlab::bench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using primitives::PrimitiveTable;

/// By name, which begins with the date.
fs::path newest_run() {
  fs::path newest;
  const fs::path results = fs::path(measure::source_folder()) / "results";
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(results, ignored))
    if (fs::exists(entry.path() / "samples.jsonl") && entry.path() > newest) newest = entry.path();
  if (newest.empty())
    throw UsageError("there is no run in results/: measure one with `bench run`, or name a folder with --results");
  return newest;
}

fs::path primitives_file(const ExplainOptions& options, const fs::path& results) {
  if (!options.primitives.empty()) return options.primitives;
  for (const fs::path& file : {results / "primitives.json", fs::path("primitives.json")})
    if (fs::exists(file)) return file;
  throw UsageError(
      fmt::format("there is no primitives.json in {} or here: measure this machine with `bench calibrate`, or name a file with "
                  "--primitives",
                  results.string()));
}

json json_in(const fs::path& file) {
  if (!fs::is_regular_file(file)) throw std::runtime_error(fmt::format("{}: there is no such file", file.string()));
  return json::parse(text_of(file), nullptr, false);
}

PrimitiveTable load_primitives(const fs::path& file) {
  PrimitiveTable table = primitives::table_from_json(json_in(file), file.string());
  std::vector<std::string> known;
  for (const auto& one : primitives::catalogue()) known.emplace_back(one.name);
  for (const auto& one : table.primitives)
    if (std::find(known.begin(), known.end(), one.name) == known.end())
      fmt::print(stderr, "bench: {}: {}; it is ignored\n", file.string(), measure::unknown_choice("primitive", one.name, known));
  return table;
}

/// An empty object: there is none.
json load_counts(const ExplainOptions& options, const fs::path& results) {
  const fs::path file = options.counts.empty() ? results / "counts.json" : fs::path(options.counts);
  if (options.counts.empty() && !fs::exists(file)) return json::object();
  json counts = json_in(file);
  if (!counts.is_object() || (!counts.contains("rows") && !counts.contains("cells")))
    throw std::runtime_error(fmt::format("{}: it holds no counts. Name a file of `scripts/counts --json`", file.string()));
  return counts;
}

/// In what the machine of the primitives differs from the one that was measured; both must say what they are.
std::vector<std::string> machine_differences(const PrimitiveTable& table, const StoredRun& run) {
  const json measured = run.provenance.value("machine", json::object());
  std::vector<std::string> differ;
  for (const char* fact : {"cpu_model", "cpus", "hypervisor", "kernel", "clocksource", "mitigations_spectre_v2"})
    if (table.machine.value(fact, json()) != measured.value(fact, json())) differ.emplace_back(fact);
  if (table.machine.empty() || measured.empty()) differ.emplace_back("no facts in one of the files");
  return differ;
}

double median_of(const RowSamples& row, const Figure& figure) {
  std::vector<double> values;
  for (const auto& [round, value] : by_round(row, figure)) values.push_back(value);
  return measure::median(std::move(values));
}

/// Why a pair of rows can't be explained; else empty.
std::string obstacle(const Counterpart& pair, const std::array<OperationCounts, 2>& counts) {
  const Figure& figure = cost_figure(pair.cell);
  if (workload_of(pair.cell.workload).metric == Metric::UserBytes) return "it is about memory, and primitives are times";
  if (paired_rounds(pair.values, pair.baseline, figure).empty()) return "no round has both entries";
  for (std::size_t side = 0; side < 2; ++side)
    if (counts[side].empty())
      return fmt::format("there is no count of {}: its samples hold none, and no file of counts has it",
                         side == 0 ? pair.entry : pair.baseline.front()->impl);
  return {};
}

/// What was found out about all cells.
struct Tally {
  std::size_t explained = 0, unexplained = 0, inconclusive = 0, predicted = 0;

  void add(const Explanation& one) {
    predicted += one.prediction.difference_ns ? 1 : 0;
    const auto verdict = verdict_of(one);
    if (!verdict) return;
    explained += *verdict == Explained::Yes ? 1 : 0;
    unexplained += *verdict == Explained::No ? 1 : 0;
    inconclusive += *verdict == Explained::NoDifference ? 1 : 0;
  }

  [[nodiscard]] int status() const {
    if (predicted == 0) return kExitNotComparable;
    if (unexplained > 0) return kExitUnexplained;
    return inconclusive > 0 ? kExitInconclusive : kExitOk;
  }
};

void explain_cell(const Counterpart& pair, const json& counts_file, const PrimitiveTable& table, bool judged, Tally& tally) {
  std::array<OperationCounts, 2> counts = {OperationCounts::of_row(pair.values), OperationCounts::of_row(pair.baseline)};
  counts[0].join_file(counts_file, *pair.values.front());
  counts[1].join_file(counts_file, *pair.baseline.front());
  if (const std::string why = obstacle(pair, counts); !why.empty()) {
    fmt::print("\n{}: n/a: {}\n", describe(pair.cell), why);
    return;
  }
  const Figure& figure = cost_figure(pair.cell);
  const Explanation one = {.cell = describe(pair.cell),
                           .metric = std::string(figure.name),
                           .entries = {pair.entry, pair.baseline.front()->impl},
                           .prediction = predict(counts, setting_of(pair.cell), table),
                           .measured_ns = {median_of(pair.values, figure), median_of(pair.baseline, figure)},
                           .difference = difference_of(paired_rounds(pair.values, pair.baseline, figure)),
                           .judged = judged};
  fmt::print("{}", text_of(one));
  tally.add(one);
}

int explain(const ExplainOptions& options) {
  const fs::path results = options.results.empty() ? newest_run() : fs::path(options.results);
  const StoredRun run = load_run(results);
  if (options.entry == options.vs) throw UsageError(fmt::format("'{}' twice: name another entry with --vs", options.entry));
  const Pairing pairing = pair_up(run, run, {.engines = {options.entry}, .vs = options.vs, .workload = options.workload});
  const fs::path file = primitives_file(options, results);
  const PrimitiveTable table = load_primitives(file);
  const json counts = load_counts(options, results);
  const auto differ = machine_differences(table, run);
  for (const std::string& damage : run.damage) fmt::print(stderr, "bench: {}: {}; left out\n", results.string(), damage);
  for (const std::string& reason : pairing.unusable) fmt::print(stderr, "bench: n/a: {}\n", reason);
  for (const std::string& note : pairing.notes) fmt::print(stderr, "bench: {}\n", note);
  fmt::print("A {}, B {}, measured in {}; primitives of {}, {}\n", options.entry, options.vs, results.string(), file.string(),
             table.measured_at.empty() ? "undated" : table.measured_at);
  if (!differ.empty())
    fmt::print("The primitives are of another machine ({}): this predicts what the same counts cost there.\n",
               fmt::join(differ, ", "));
  Tally tally;
  for (const ComparedCell& cell : pairing.cells)
    for (const Counterpart& pair : cell.entries) explain_cell(pair, counts, table, differ.empty(), tally);
  std::fflush(stdout);
  if (tally.predicted == 0)
    fmt::print(stderr,
               "bench: nothing could be predicted: choose other entries or workloads, or count with `scripts/counts --json`\n");
  return tally.status();
}

}  // namespace

void add_explain(CLI::App& app, ExplainOptions& options) {
  CLI::App& verb = *app.add_subcommand("explain", "why two entries of a run differ: counts x primitives against what was measured");
  verb.add_option("entry", options.entry, "A, an entry of the run")->required();
  verb.add_option("--vs", options.vs, "B, the entry that A is explained against")->required();
  verb.add_option("--workload", options.workload, "regular expression on the workload's name")->required();
  verb.add_option("--results", options.results, "folder of the run (default: the newest in results/)")->type_name("DIR");
  verb.add_option("--primitives", options.primitives, "of `bench calibrate` (default: primitives.json in that folder, or here)")
      ->type_name("FILE");
  verb.add_option("--counts", options.counts, "of `scripts/counts --json` (default: counts.json in that folder, if it is there)")
      ->type_name("FILE");
  verb.footer(R"(
  bench calibrate
  bench explain dedicated_thread --vs=thread_local --workload=tcp_echo
  bench explain arc_mutex --vs=thread_local --workload=reg_churn --results=results/x --primitives=another-machine.json

Predicted cost = counts per operation x what each costs (`bench calibrate`). Nothing is fitted: what isn't counted, user code above all,
is in the residual. A difference only holds terms that both entries count. Beyond a residual of 25 % of what was measured it says
"unexplained". With primitives of another machine it predicts, and judges nothing. docs/METHODOLOGY.md says what the model leaves out.

Exit status:
  0  explained: the predicted difference is within 25 % of the measured one, in every cell; or another machine's was predicted
  1  unexplained in a cell
  2  usage
  3  inconclusive: a measured difference can't be told from 0
  4  nothing to explain with: no counts, no common round, a file is missing or damaged)");
}

int explain_verb(const ExplainOptions& options) {
  try {
    return explain(options);
  } catch (const UsageError&) {
    throw;
  } catch (const std::exception& error) {  // 1 would say that it was predicted
    fmt::print(stderr, "bench: cannot explain: {}\n", error.what());
    return kExitNotComparable;
  }
}

}  // namespace reactorlab::bench
