#include "harness/bench/entry.hpp"
#include "harness/bench/interrupt.hpp"
#include "harness/bench/latin_square.hpp"
#include "harness/bench/progress.hpp"
#include "harness/bench/results_folder.hpp"
#include "harness/bench/run_plan.hpp"
#include "harness/bench/sample_runner.hpp"
#include "harness/bench/summary.hpp"
#include "harness/bench/table.hpp"
#include "harness/bench/usage.hpp"
#include "harness/bench/verbs.hpp"

#include <filesystem>

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace reactorlab::bench {
namespace {

/// All samples that were measured; fewer than planned after an interrupt.
std::vector<Sample> measure_all(const RunPlan& plan, const SampleSettings& settings, ResultsFolder& folder) {
  const std::size_t per_round = plan.cells.size() * plan.entries.size();
  constexpr std::chrono::milliseconds kStartAndStop{100};
  Progress progress(plan.rounds * per_round, per_round, settings.warmup + settings.duration + kStartAndStop);
  std::vector<Sample> samples;
  for (std::size_t round = 0; round < plan.rounds; ++round) {
    for (std::size_t cell = 0; cell < plan.cells.size(); ++cell) {
      const auto order = round_order(plan.seed, cell, round, plan.entries.size());
      for (std::size_t position = 0; position < order.size(); ++position) {
        const Entry& entry = plan.entries[order[position]];
        progress.starts(fmt::format("{}  {}", describe(plan.cells[cell]), entry.label));
        const std::uint64_t seed = plan.seed + 7919 * samples.size();
        Sample sample = run_sample(entry, {plan.cells[cell], round, position, seed}, settings);
        if (InterruptFlag::raised()) return progress.finish(), samples;
        if (!sample.sound())
          progress.note(fmt::format("void: {}, {}: {}", entry.label, describe(plan.cells[cell]), sample.void_reason));
        folder.append(sample);
        samples.push_back(std::move(sample));
        progress.done();
      }
    }
  }
  progress.finish();
  return samples;
}

nlohmann::json summary_json(const RunPlan& plan, const std::vector<SummaryRow>& rows, bool partial,
                            const std::string& provenance) {
  nlohmann::json summary = {{"schema", kSchema},
                            {"tier", plan.tier},
                            {"seed", plan.seed},
                            {"partial", partial},
                            {"rounds_planned", plan.rounds},
                            {"equivalence_margin", measure::kEquivalenceMargin},
                            {"provenance", provenance},
                            {"left_out", nlohmann::json::array()},
                            {"rows", nlohmann::json::array()}};
  for (const Cell& cell : left_out(plan.cells))
    summary["left_out"].push_back({{"workload", cell.workload}, {"params", cell.params}});
  for (const SummaryRow& row : rows) summary["rows"].push_back(to_json(row));
  return summary;
}

/// Runs scripts/plot where it exists. Its failure doesn't spoil the measurement.
void draw_charts(const RunPlan& plan, const std::filesystem::path& results) {
  const auto script = plan.source / "scripts" / "plot";
  if (plan.source.empty() || !std::filesystem::exists(script)) return;
  std::vector<std::string> words = {script.string(), results.string()};
  std::vector<char*> argv = {words[0].data(), words[1].data(), nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);  // standard output is the table's
  pid_t pid = -1;
  int status = 0;
  const bool started = ::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ) == 0;
  ::posix_spawn_file_actions_destroy(&actions);
  while (started && ::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!started || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    fmt::print(stderr, "bench: no charts: the command failed; repeat it with: {} {}\n", words[0], words[1]);
}

void announce(const RunPlan& plan, const std::vector<std::string>& notes) {
  for (const std::string& note : notes) fmt::print(stderr, "bench: {}\n", note);
  fmt::print(stderr, "bench: {} impls x {} cells x {} rounds, seed {}, server on {}, load on {}\n", plan.entries.size(),
             plan.cells.size(), plan.rounds, plan.seed, cpu_text(plan.server_cpu), cpu_text(plan.load_cpu));
  if (plan.server_cpu == plan.load_cpu)
    fmt::print(stderr,
               "bench: server and load share a CPU: rates and latencies mean little, CPU per operation still does\n");
  if (plan.rounds < 6)
    fmt::print(stderr, "bench: fewer than 6 rounds give no interval, so every verdict is inconclusive\n");
}

void say_what_is_left_out(const RunPlan& plan) {
  const auto cells = left_out(plan.cells);
  if (cells.empty()) return;
  fmt::print("\nNot measured in this run (--tier=standard does):\n");
  for (const Cell& cell : cells) fmt::print("  {}\n", describe(cell));
}

/// The exit status, and what to do about it.
int conclude(const RunPlan& plan, const std::vector<SummaryRow>& rows, bool partial) {
  std::size_t voids = 0;
  for (const SummaryRow& row : rows) voids += row.voids;
  fmt::print("\nResults: {}\n", plan.out.string());
  if (voids > 0)
    fmt::print(stderr, "bench: {} sample{} void and counted nowhere; the reasons are in samples.jsonl\n", voids,
               voids == 1 ? " is" : "s are");
  if (partial) {
    fmt::print(
        stderr,
        "bench: interrupted: the summary is partial. To measure the rest, run the same command with --seed={} and "
        "a new --out\n",
        plan.seed);
    return kExitInterrupted;
  }
  return voids > 0 ? kExitFailure : kExitOk;
}

}  // namespace

int run_verb(const RunOptions& options) {
  std::vector<std::string> notes;
  const RunPlan plan = make_plan(options, notes);
  ResultsFolder folder(plan.out);
  nlohmann::json provenance = provenance_of(plan, options);
  folder.write("provenance.json", provenance);
  announce(plan, notes);

  const InterruptFlag interrupt;
  const std::string digest = provenance.at("digest");
  const SampleSettings settings = {.warmup = plan.warmup,
                                   .duration = plan.duration,
                                   .server_cpu = plan.server_cpu,
                                   .load_cpu = plan.load_cpu,
                                   .provenance = digest,
                                   .cancel = &InterruptFlag::raised()};
  const std::vector<Sample> samples = measure_all(plan, settings, folder);
  const bool partial = InterruptFlag::raised();
  if (samples.empty()) {
    fmt::print(stderr, "bench: interrupted before the first sample: nothing was written\n");
    return kExitInterrupted;
  }
  add_end(provenance);
  folder.write("provenance.json", provenance);
  const auto rows = summarise(samples);
  folder.write("summary.json", summary_json(plan, rows, partial, digest));
  fmt::print("{}", table_of(rows));
  say_what_is_left_out(plan);
  std::fflush(stdout);
  draw_charts(plan, folder.path());
  return conclude(plan, rows, partial);
}

}  // namespace reactorlab::bench
