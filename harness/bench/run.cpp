#include "harness/bench/run.hpp"

#include "harness/bench/engine_facts.hpp"
#include "harness/bench/recovery.hpp"
#include "harness/bench/stopping.hpp"
#include "harness/bench/stored_run.hpp"
#include "harness/bench/usage.hpp"
#include "harness/measure/host_facts.hpp"
#include "harness/measure/process_setup.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

[[noreturn]] void cannot_continue(const fs::path& path, const std::string& why) {
  throw std::runtime_error(fmt::format("cannot continue {}: {}", path.string(), why));
}

json provenance_in(const fs::path& path) {
  const fs::path file = path / "provenance.json";
  if (!fs::exists(file))
    throw UsageError(
        fmt::format("--resume={}: there is no provenance.json, so no run to continue. Name a folder that `bench run` "
                    "made, or start a run with --out",
                    path.string()));
  json provenance = json::parse(text_of(file), nullptr, false);
  if (!provenance.is_object())
    cannot_continue(path, "provenance.json is no JSON object, so its plan is lost. Measure anew with another --out=DIR");
  return provenance;
}

/// The CPUs that the plan names must still be ours.
void require_cpus(const fs::path& path, const RunPlan& plan) {
  const auto allowed = measure::allowed_cpus();
  for (const auto& cpu : {plan.server_cpu, plan.load_cpu})
    if (cpu && std::find(allowed.begin(), allowed.end(), *cpu) == allowed.end())
      cannot_continue(path, fmt::format("it ran on CPU {}, which this process may not use. Allow it (taskset, cpuset), or measure "
                                        "anew with another --out=DIR",
                                        *cpu));
}

RunPlan plan_in(const fs::path& path, const json& provenance) {
  const int schema = provenance.value("schema", 0);
  if (schema != kSchema || !provenance.contains("plan"))
    cannot_continue(path, fmt::format("its provenance.json has schema {}, this program writes {}. Continue with the program that "
                                      "began, or measure anew with another --out=DIR",
                                      schema, kSchema));
  try {
    RunPlan plan = plan_from_json(provenance.at("plan"));
    plan.out = path;
    require_cpus(path, plan);
    return plan;
  } catch (const std::runtime_error& error) {
    cannot_continue(path, fmt::format("its plan is for another program: {}. Continue with the program that began, or measure anew "
                                      "with another --out=DIR",
                                      error.what()));
  }
}

/// What the folder held goes into the run; what is damaged goes aside.
void take_over(Run& run, const std::string& text, std::vector<std::string>& notes) {
  Recovery recovery = recover(text, run.plan, run.schedule, run.digest());
  if (!recovery.damage.empty()) run.folder.append_text("samples.jsonl.damaged", recovery.damaged_lines);
  if (recovery.good_lines != text) run.folder.rewrite_samples(recovery.good_lines);
  for (const std::string& damage : recovery.damage) notes.push_back(damage + "; measured again");
  if (!recovery.damage.empty())
    notes.push_back(fmt::format("damaged lines are kept in {}", (run.plan.out / "samples.jsonl.damaged").string()));
  notes.push_back(fmt::format("continuing: {} of {} samples are there", recovery.kept, run.schedule.size()));
  run.provenance["resumed"].push_back({{"at", measure::utc_now()}, {"kept", recovery.kept}, {"damaged", recovery.damage.size()}});
  run.samples = std::move(recovery.samples);
}

}  // namespace

std::optional<std::size_t> Run::stopped_after(std::size_t cell) const {
  if (!plan.precision) return std::nullopt;
  std::size_t complete = plan.rounds;  // the rounds before the first that lacks a sample
  for (std::size_t i = 0; i < samples.size(); ++i)
    if (!samples[i] && schedule[i].cell == cell) complete = std::min(complete, schedule[i].round);
  return precise_after(plan, measured_in(cell), complete);
}

bool Run::is_needless(std::size_t slot) const {
  const auto stopped = stopped_after(schedule[slot].cell);
  return stopped && schedule[slot].round >= *stopped;
}

std::vector<std::size_t> Run::missing() const {
  std::vector<std::optional<std::size_t>> stopped;
  for (std::size_t cell = 0; cell < plan.cells.size(); ++cell) stopped.push_back(stopped_after(cell));
  std::vector<std::size_t> slots;
  for (std::size_t i = 0; i < samples.size(); ++i)
    if (const auto& stop = stopped[schedule[i].cell]; !samples[i] && !(stop && schedule[i].round >= *stop)) slots.push_back(i);
  return slots;
}

std::vector<Sample> Run::measured() const {
  std::vector<Sample> all;
  for (const auto& sample : samples)
    if (sample) all.push_back(*sample);
  return all;
}

std::vector<Sample> Run::measured_in(std::size_t cell) const {
  std::vector<Sample> all;
  for (std::size_t i = 0; i < samples.size(); ++i)
    if (samples[i] && schedule[i].cell == cell) all.push_back(*samples[i]);
  return all;
}

Run begin_run(const RunOptions& options, std::vector<std::string>& notes) {
  RunPlan plan = make_plan(options, notes);
  auto folder = ResultsFolder::create(plan.out);
  Run run{.plan = std::move(plan), .provenance = {}, .folder = std::move(folder), .schedule = {}, .samples = {}};
  run.provenance = provenance_of(run.plan, options);
  run.folder.write("provenance.json", run.provenance);
  run.schedule = schedule_of(run.plan);
  run.samples.resize(run.schedule.size());
  return run;
}

Run resume_run(const fs::path& path, std::vector<std::string>& notes) {
  json provenance = provenance_in(path);
  RunPlan plan = plan_in(path, provenance);
  measure::raise_descriptor_limit();  // as the run did: the limits are among the facts
  const json now = {
      {"machine", measure::machine_facts()}, {"build", measure::build_facts()}, {"engines", engine_facts(plan.entries)}};
  if (const std::string obstacle = obstacle_to_resuming(provenance, now); !obstacle.empty()) cannot_continue(path, obstacle);
  auto folder = ResultsFolder::reopen(path);
  Run run{.plan = std::move(plan), .provenance = std::move(provenance), .folder = std::move(folder), .schedule = {}, .samples = {}};
  run.schedule = schedule_of(run.plan);
  take_over(run, text_of(path / "samples.jsonl"), notes);
  run.folder.write("provenance.json", run.provenance);
  return run;
}

std::string obstacle_to_resuming(const json& then, const json& now) {
  const json build = then.value("build", json::object());
  const auto differs = [&](const char* part) { return build.value(part, json()) != now.at("build").value(part, json()); };
  if (differs("binary") || differs("libraries"))
    return fmt::format(
        "it was measured by another binary ({} of commit {}, this one is {}), and its samples can't be compared with "
        "this one's. Build that commit and continue with it, or measure anew with another --out=DIR",
        build.value("binary", "n/a"), build.value("commit", "n/a"), now.at("build").value("binary", "n/a"));
  const auto differ = names_of_differences(then.value("machine", json::object()), now.at("machine"));
  if (!differ.empty())
    return fmt::format(
        "it was measured on another machine, or this one has changed ({}). Put that back, or measure anew with "
        "another --out=DIR",
        fmt::join(differ, ", "));
  const auto changed = names_of_differences(then.value("engines", json::object()), now.value("engines", json::object()));
  if (!changed.empty())
    return fmt::format(
        "{} isn't what it was: another program, or another version. Put that back, or measure anew with another --out=DIR",
        fmt::join(changed, ", "));
  return {};
}

}  // namespace reactorlab::bench
