#include "harness/bench/stored_run.hpp"

#include "harness/bench/noise_gate.hpp"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <tuple>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& path, const std::string& cause, const std::string& remedy) {
  throw std::runtime_error(fmt::format("{}: {}. {}", path.string(), cause, remedy));
}

void require_schema(const fs::path& path, const std::string& line) {
  const json value = json::parse(line, nullptr, false);
  const int schema = value.is_object() ? value.value("schema", kSchema) : kSchema;
  if (schema != kSchema)
    refuse(path, fmt::format("it has schema {}, this program reads {}", schema, kSchema),
           "Measure anew, or use the program of the commit that its provenance.json names");
}

void take(StoredRun& run, const std::string& line, std::size_t number) {
  try {
    run.samples.push_back(sample_from_line(line));
  } catch (const DamagedLine& damage) {
    run.damage.push_back(fmt::format("samples.jsonl:{}: {}", number, damage.what()));
  }
}

/// Two samples of one entry in one round would be paired at random.
void refuse_merged(const StoredRun& run) {
  using Place = std::tuple<Cell, std::string, std::string, std::string, unsigned, std::size_t>;
  std::set<Place> seen;
  for (const Sample& s : run.samples)
    if (!seen.insert({s.cell, s.impl, s.backend, s.locking, s.workers, s.round}).second)
      refuse(run.path / "samples.jsonl",
             fmt::format("it has two samples of {} in round {} of {}", s.impl, s.round, describe(s.cell)),
             "Keep one run per folder");
}

}  // namespace

StoredRun load_run(const fs::path& path) {
  if (!fs::is_directory(path)) refuse(path, "there is no such folder", "Name a folder that `bench run` made");
  StoredRun run{
      .path = path, .provenance = json::parse(text_of(path / "provenance.json"), nullptr, false), .samples = {}, .damage = {}};
  if (!run.provenance.is_object()) run.provenance = json::object();
  std::istringstream lines(text_of(path / "samples.jsonl"));
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    if (++number == 1) require_schema(path / "samples.jsonl", line);
    if (!line.empty()) take(run, line, number);
  }
  if (run.samples.empty())
    refuse(path / "samples.jsonl", fs::exists(path / "samples.jsonl") ? "it holds no sample" : "there is no such file",
           "Name a folder that `bench run` made");
  refuse_merged(run);
  exclude_noisy_rounds(run.samples);
  return run;
}

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::vector<std::string> names_of_differences(const json& then, const json& now) {
  std::vector<std::string> names;
  for (const auto& [name, value] : now.items())
    if (!then.contains(name) || then.at(name) != value) names.push_back(name);
  return names;
}

}  // namespace reactorlab::bench
