#include "harness/bench/findings.hpp"

#include "harness/bench/stopping.hpp"
#include "harness/measure/signs.hpp"
#include "harness/measure/stopping.hpp"

#include <cerrno>
#include <vector>

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace reactorlab::bench {

Findings find_out(std::vector<Sample> samples, double confidence) {
  NoiseReport noise = exclude_noisy_rounds(samples);
  return {std::move(noise), summarise(samples, confidence), judge_controls(samples)};
}

nlohmann::json summary_json(const RunPlan& plan, const Findings& findings, bool partial, const std::string& provenance) {
  nlohmann::json summary = {{"schema", kSchema},
                            {"tier", plan.tier},
                            {"seed", plan.seed},
                            {"partial", partial},
                            {"rounds_planned", plan.rounds},
                            {"equivalence_margin", measure::kEquivalenceMargin},
                            {"correction", "Holm, over the entries of a cell"},
                            {"provenance", provenance},
                            {"noise", to_json(findings.noise)},
                            {"controls", to_json(findings.controls)},
                            {"left_out", nlohmann::json::array()},
                            {"rows", nlohmann::json::array()}};
  if (plan.precision)
    summary["precision"] = {
        {"half_width", *plan.precision}, {"looks", measure::looks_until(plan.rounds)}, {"confidence", confidence_of(plan)}};
  for (const Cell& cell : left_out(plan.cells))
    summary["left_out"].push_back({{"workload", cell.workload}, {"params", cell.params}});
  for (const SummaryRow& row : findings.rows) summary["rows"].push_back(to_json(row));
  return summary;
}

void draw_charts(const std::filesystem::path& source, const std::filesystem::path& results) {
  const auto script = source / "scripts" / "plot";
  if (source.empty() || !std::filesystem::exists(script)) return;
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

}  // namespace reactorlab::bench
