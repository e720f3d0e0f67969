#pragma once

#include "harness/bench/sample.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace reactorlab::bench {

/// A results folder as it was published, for reading only.
struct StoredRun {
  std::filesystem::path path;
  nlohmann::json provenance;        ///< an empty object where there is none
  std::vector<Sample> samples;      ///< those of noisy rounds are marked
  std::vector<std::string> damage;  ///< lines that don't count: "samples.jsonl:12: not JSON ..."
};

/// Throws std::runtime_error with cause and remedy: no such folder, no sample, another schema, or two runs in one file.
[[nodiscard]] StoredRun load_run(const std::filesystem::path& path);

/// The whole file; empty where there is none.
[[nodiscard]] std::string text_of(const std::filesystem::path& path);

/// The facts of `now` that `then` hasn't, or has otherwise: parts of two provenances.
[[nodiscard]] std::vector<std::string> names_of_differences(const nlohmann::json& then, const nlohmann::json& now);

}  // namespace reactorlab::bench
