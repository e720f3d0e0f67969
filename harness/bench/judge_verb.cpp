#include "harness/bench/judge_verb.hpp"

#include "harness/bench/findings.hpp"
#include "harness/bench/results_folder.hpp"
#include "harness/bench/stopping.hpp"
#include "harness/bench/stored_run.hpp"
#include "harness/bench/usage.hpp"

#include <cstdio>
#include <stdexcept>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace reactorlab::bench {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

void require_finished(const fs::path& path) {
  const json summary = json::parse(text_of(path / "summary.json"), nullptr, false);
  if (!summary.is_object() || summary.value("partial", true))
    throw std::runtime_error(
        fmt::format("{} isn't finished. Measure the rest: bench run --resume={}", path.string(), path.string()));
}

void judge(const fs::path& path, bool charts) {
  const StoredRun run = load_run(path);
  require_finished(path);
  if (!run.damage.empty()) throw std::runtime_error(fmt::format("{}: {}. Restore the file", path.string(), run.damage.front()));
  if (!run.provenance.contains("plan"))
    throw std::runtime_error(fmt::format("{}: its provenance.json holds no plan", path.string()));
  const RunPlan plan = plan_from_json(run.provenance.at("plan"));
  const Findings findings = find_out(run.samples, confidence_of(plan));
  ResultsFolder folder = ResultsFolder::reopen(path);
  folder.write("summary.json", summary_json(plan, findings, /*partial=*/false, run.provenance.at("digest").get<std::string>()));
  fmt::print("{}:{}{}", path.string(), text_of(findings.controls), text_of(findings.noise));
  std::fflush(stdout);
  if (charts) draw_charts(plan.source, path);
}

}  // namespace

void add_judge(CLI::App& app, JudgeOptions& options) {
  CLI::App& verb = *app.add_subcommand("judge", "a stored run's summary anew, by this program's gates and statistics");
  verb.add_option("run", options.runs, "results folders")->required();
  verb.add_flag("--no-charts", options.no_charts, "leave README.md and the charts as they are");
  verb.footer(R"(
Rewrites summary.json, README.md and the charts of runs that are finished. Samples and provenance stay as they were measured. For runs
that an older program judged; which limits a summary follows stands in it, as noise.limits.

  bench judge results/2026-11-29-standard

Exit status: 0 judged, 1 no finished run, 2 usage)");
}

int judge_verb(const JudgeOptions& options) {
  for (const std::string& run : options.runs) judge(run, !options.no_charts);
  return kExitOk;
}

}  // namespace reactorlab::bench
