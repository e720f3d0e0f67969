#pragma once

#include "harness/bench/entry.hpp"
#include "harness/bench/tier.hpp"
#include "harness/bench/verbs.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace reactorlab::bench {

/// Everything that a run is going to do, decided and checked before it does anything.
struct RunPlan {
  std::vector<Entry> entries;
  std::vector<Cell> cells;
  std::vector<std::size_t> uncontrolled;  ///< cells, by their index and in order, in which the entries that are controls aren't measured
  std::string tier;
  std::size_t rounds = 0;
  std::optional<double> precision;  ///< half-width at which a cell stops (0.01 is 1 %); nothing: every cell has all rounds
  std::uint64_t seed = 0;
  SampleTimes times;
  std::string engines_file;                 ///< absolute; empty: the repository's
  std::optional<int> server_cpu, load_cpu;  ///< nothing where the machine doesn't let us pin
  std::filesystem::path source;             ///< the repository; empty where it is gone
  std::filesystem::path out;
};

/// Throws UsageError for what doesn't exist, std::runtime_error for what this machine can't do. `notes` gets what the
/// user should know about the choice.
[[nodiscard]] RunPlan make_plan(const RunOptions& options, std::vector<std::string>& notes);

/// The entries that are measured in a cell, by their index.
[[nodiscard]] std::vector<std::size_t> entries_in(const RunPlan& plan, std::size_t cell);

/// What decides the order and the content of every sample; the folders aren't part of it.
[[nodiscard]] nlohmann::json to_json(const RunPlan& plan);

/// Throws std::runtime_error for what is no plan, or one with impls or workloads that this program hasn't.
[[nodiscard]] RunPlan plan_from_json(const nlohmann::json& json);

/// provenance.json. Its "digest" covers machine and build, so samples with the same digest are comparable.
[[nodiscard]] nlohmann::json provenance_of(const RunPlan& plan, const RunOptions& options);

/// Completes it when the run is over.
void add_end(nlohmann::json& provenance);

/// "CPU 0", or "any CPU".
[[nodiscard]] std::string cpu_text(std::optional<int> cpu);

}  // namespace reactorlab::bench
