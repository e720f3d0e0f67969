#include "harness/bench/control_entries.hpp"
#include "harness/bench/entry.hpp"
#include "harness/bench/findings.hpp"
#include "harness/bench/interrupt.hpp"
#include "harness/bench/noise_gate.hpp"
#include "harness/bench/noise_probe.hpp"
#include "harness/bench/progress.hpp"
#include "harness/bench/quiet_machine.hpp"
#include "harness/bench/run.hpp"
#include "harness/bench/sample_runner.hpp"
#include "harness/bench/standing.hpp"
#include "harness/bench/stopping.hpp"
#include "harness/bench/summary.hpp"
#include "harness/bench/table.hpp"
#include "harness/bench/usage.hpp"
#include "harness/bench/verbs.hpp"
#include "harness/measure/signs.hpp"
#include "harness/measure/stopping.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

namespace reactorlab::bench {
namespace {

SampleSettings settings_of(const Run& run) {
  return {.warmup = run.plan.times.warmup,
          .duration = run.plan.times.duration,
          .server_cpu = run.plan.server_cpu,
          .load_cpu = run.plan.load_cpu,
          .provenance = run.digest(),
          .cancel = &InterruptFlag::raised()};
}

std::chrono::milliseconds expected_rest(const Run& run) {
  std::vector<Slot> rest;
  for (const std::size_t index : run.missing()) rest.push_back(run.schedule[index]);
  return expected_time(run.plan, rest);
}

/// How much work positive controls inject, unless the run knows already. An interrupt leaves it open.
void calibrate_controls(Run& run) {
  if (run.spins || !has_positive_controls(run.plan)) return;
  const SampleSettings settings = settings_of(run);
  fmt::print(stderr, "bench: a few pilot samples of every cell, for the controls\n");
  run.spins = pilot_spins(run.plan, measure_spin(run.plan.server_cpu),
                          [&](const Entry& entry, const SamplePlace& place) -> std::optional<Sample> {
                            if (InterruptFlag::raised()) return std::nullopt;
                            Sample sample = run_sample(entry, place, settings);
                            return InterruptFlag::raised() ? std::nullopt : std::optional(std::move(sample));
                          });
  if (!run.spins) return;
  run.provenance["spins"] = to_json(*run.spins);
  run.folder.write("provenance.json", run.provenance);
}

/// The sample of a slot, with what the machine did meanwhile.
Sample take_sample(const Run& run, const Slot& slot, const SampleSettings& settings) {
  const Entry& entry = run.plan.entries[slot.entry];
  SamplePlace place{run.plan.cells[slot.cell], slot.round, slot.position, slot.seed};
  if (const auto share = injected_share(entry.label)) {
    place.spin = spin_for(*run.spins, place.cell, *share);
    if (!place.spin) {
      Sample none = unmeasured_sample(entry, place, settings);
      none.not_applicable = why_no_spin(*run.spins, place.cell);
      return none;
    }
  }
  NoiseProbe probe(settings.server_cpu, settings.load_cpu);
  Sample sample = run_sample(entry, place, settings);
  if (sample.applicable()) sample.noise = probe.finish();
  return sample;
}

/// Fills the empty slots, in order, until none is left or the user interrupts. The sample that an interrupt hits is
/// dropped.
void measure_missing(Run& run) {
  calibrate_controls(run);
  if (InterruptFlag::raised()) return;
  const SampleSettings settings = settings_of(run);
  const auto missing = run.missing();
  Progress progress(missing.size(), expected_rest(run));
  for (const std::size_t index : missing) {
    const Slot& slot = run.schedule[index];
    if (run.is_needless(index)) {
      progress.drop(1, expected_time(run.plan.cells[slot.cell], run.plan.times));
      continue;
    }
    const Entry& entry = run.plan.entries[slot.entry];
    const Cell& cell = run.plan.cells[slot.cell];
    progress.starts(fmt::format("{}  {}", standing_text(run.measured_in(slot.cell), entry.label), describe(cell)), slot.round,
                    run.plan.rounds);
    Sample sample = take_sample(run, slot, settings);
    if (InterruptFlag::raised()) break;
    if (sample.is_void()) progress.note(fmt::format("void: {}, {}: {}", entry.label, describe(cell), sample.void_reason));
    run.folder.append(sample);
    run.samples[index] = std::move(sample);
    progress.done(expected_time(cell, run.plan.times));
  }
  progress.finish();
}

/// Below these the sign test's smallest p value isn't small enough for Holm's first step.
std::size_t fewest_rounds_for(std::size_t contenders, double confidence) {
  const double alpha = 1 - confidence;
  return measure::fewest_rounds(1 - alpha / static_cast<double>(std::max<std::size_t>(2, contenders) - 1));
}

void announce(const Run& run, const std::vector<std::string>& notes) {
  const RunPlan& plan = run.plan;
  for (const std::string& note : notes) fmt::print(stderr, "bench: {}\n", note);
  const auto controls = static_cast<std::size_t>(
      std::count_if(plan.entries.begin(), plan.entries.end(), [](const Entry& entry) { return is_control(entry.label); }));
  const std::size_t contenders = plan.entries.size() - controls;
  const std::size_t controlled = controls == 0 ? 0 : plan.cells.size() - plan.uncontrolled.size();
  fmt::print(stderr, "bench: {} impls x {} cells x {} rounds, with {} controls in {} cells, seed {}, server on {}, load on {}\n",
             contenders, plan.cells.size(), plan.rounds, controls, controlled, plan.seed, cpu_text(plan.server_cpu),
             cpu_text(plan.load_cpu));
  fmt::print(stderr, "bench: {} samples to measure, about {}\n", run.missing().size(),
             duration_text(std::chrono::duration_cast<std::chrono::seconds>(expected_rest(run))));
  if (plan.server_cpu == plan.load_cpu)
    fmt::print(stderr, "bench: server and load share a CPU: rates and latencies mean little, CPU per operation still does\n");
  if (plan.precision)
    fmt::print(stderr, "bench: at most: a cell stops at round {} where its intervals, of {:.4g} % each, are within {:g} %\n",
               fmt::join(measure::looks_until(plan.rounds), ", "), 100 * confidence_of(plan), 100 * *plan.precision);
  const std::size_t needed = fewest_rounds_for(contenders, confidence_of(plan));
  if (contenders > 1 && plan.rounds < needed)
    fmt::print(stderr,
               "bench: {} entries need at least {} rounds for a verdict, so every one will be inconclusive: add --rounds={}\n",
               contenders, needed, needed);
}

void say_what_is_left_out(const RunPlan& plan) {
  const auto cells = left_out(plan.cells);
  if (cells.empty()) return;
  fmt::print("\nNot measured in this run (--tier=standard does):\n");
  for (const Cell& cell : cells) fmt::print("  {}\n", describe(cell));
}

/// As a shell reads it back.
std::string quoted(const std::string& word) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view("/._-+:=,").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), plain)) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::string resume_command(const RunOptions& options, const Run& run) {
  return fmt::format("{} run --resume={}", quoted(options.program), quoted(run.plan.out.string()));
}

/// The exit status, and what to do about it.
int conclude(const RunOptions& options, const Run& run, const std::vector<Sample>& samples, const Findings& findings) {
  const auto voids = std::count_if(samples.begin(), samples.end(), [](const Sample& sample) { return sample.is_void(); });
  if (findings.noise.excluded.size() * 2 > findings.noise.rounds)
    fmt::print(stderr,
               "bench: most rounds were excluded as noisy, so little was found out: stop what else runs here, and measure again\n");
  if (!findings.controls.suspicions.empty())
    fmt::print(stderr,
               "bench: the controls speak against this run; see SUSPECT above and docs/METHODOLOGY.md before you believe it\n");
  fmt::print("\nResults: {}\n", run.plan.out.string());
  if (voids > 0)
    fmt::print(stderr, "bench: {} sample{} void and counted nowhere; the reasons are in samples.jsonl\n", voids,
               voids == 1 ? " is" : "s are");
  if (const auto missing = run.missing().size(); missing > 0) {
    const std::size_t measured = run.measured().size();
    fmt::print(stderr, "bench: interrupted: {} of {} samples are measured, the summary is partial. To measure the rest:\n  {}\n",
               measured, measured + missing, resume_command(options, run));
    return kExitInterrupted;
  }
  return voids > 0 ? kExitFailure : kExitOk;
}

Run start(const RunOptions& options) {
  std::vector<std::string> notes;
  Run run = options.resume.empty() ? begin_run(options, notes) : resume_run(options.resume, notes);
  if (run.plan.tier != "smoke") {  // whose numbers nobody reads
    const auto hot = measure::find_hot_processes();
    require_quiet(run.plan, hot, options.accept_noise, notes);
    run.provenance["hot_at_start"].push_back(to_json(hot));
    run.folder.write("provenance.json", run.provenance);
  }
  announce(run, notes);
  return run;
}

}  // namespace

int run_verb(const RunOptions& options) {
  Run run = start(options);
  const InterruptFlag interrupt;
  measure_missing(run);
  const std::vector<Sample> samples = run.measured();
  if (samples.empty()) {
    fmt::print(stderr, "bench: interrupted before the first sample: nothing was measured\n");
    return kExitInterrupted;
  }
  add_end(run.provenance);
  run.folder.write("provenance.json", run.provenance);
  const double confidence = confidence_of(run.plan);
  const Findings findings = find_out(samples, confidence);
  run.folder.write("summary.json", summary_json(run.plan, findings, !run.missing().empty(), run.digest()));
  fmt::print("{}{}{}", table_of(findings.rows, confidence), text_of(findings.controls), text_of(findings.noise));
  say_what_is_left_out(run.plan);
  std::fflush(stdout);
  draw_charts(run.plan.source, run.folder.path());
  return conclude(options, run, samples, findings);
}

}  // namespace reactorlab::bench
