#pragma once

#include "harness/bench/results_folder.hpp"
#include "harness/bench/run_plan.hpp"
#include "harness/bench/schedule.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace reactorlab::bench {

/// A run that has begun: what it is going to measure, where it writes, and what it has so far.
struct Run {
  RunPlan plan;
  nlohmann::json provenance;
  ResultsFolder folder;
  std::vector<Slot> schedule;
  std::vector<std::optional<Sample>> samples;  ///< by slot of the schedule

  [[nodiscard]] std::string digest() const { return provenance.at("digest"); }
  /// The slots that are still to be filled, in their order: the empty ones of cells that haven't stopped before.
  [[nodiscard]] std::vector<std::size_t> missing() const;
  /// Whether a slot needn't be filled, because its cell was precise before (stopping.hpp).
  [[nodiscard]] bool is_needless(std::size_t slot) const;
  /// What was measured, in the schedule's order.
  [[nodiscard]] std::vector<Sample> measured() const;
  /// The same of one cell, by its index in the plan.
  [[nodiscard]] std::vector<Sample> measured_in(std::size_t cell) const;

 private:
  [[nodiscard]] std::optional<std::size_t> stopped_after(std::size_t cell) const;
};

/// Makes the plan and the folder. `notes` gets what the user should know.
[[nodiscard]] Run begin_run(const RunOptions& options, std::vector<std::string>& notes);

/// Takes up an interrupted run where it stands. Lines of samples.jsonl that are damaged move to samples.jsonl.damaged
/// and are measured again; `notes` names each. Throws UsageError where there is no run, std::runtime_error where this
/// program on this machine can't continue it, both with what to do.
[[nodiscard]] Run resume_run(const std::filesystem::path& path, std::vector<std::string>& notes);

/// Why samples that are taken now don't belong to those that were taken then, with what to do; empty where they do.
/// `now` and `then` are provenances: another binary or another machine makes another run.
[[nodiscard]] std::string obstacle_to_resuming(const nlohmann::json& then, const nlohmann::json& now);

}  // namespace reactorlab::bench
