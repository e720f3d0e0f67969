#include "harness/bench/rank_verb.hpp"

#include "harness/bench/stored_run.hpp"
#include "harness/bench/usage.hpp"
#include "harness/measure/nearest_name.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace reactorlab::bench {
namespace {

std::vector<Profile> chosen_profiles(const RankOptions& options) {
  const auto usual = usual_profiles_file();
  if (options.file.empty() && !usual) throw UsageError("the repository's profiles aren't there: name a file with --profiles=FILE");
  const auto known = read_profiles(options.file.empty() ? *usual : std::filesystem::path(options.file));
  std::vector<std::string> names = {"all"};
  for (const Profile& profile : known) names.push_back(profile.name);
  std::vector<Profile> chosen;
  for (const std::string& name : options.profiles) {
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw UsageError(measure::unknown_choice("profile", name, names));
    for (const Profile& profile : known)
      if (name == "all" || name == profile.name) chosen.push_back(profile);
  }
  return chosen;
}

void require_entries(const StoredRun& run, const std::vector<std::string>& entries) {
  std::set<std::string> known;
  for (const Sample& sample : run.samples) known.insert(sample.impl);
  for (const std::string& entry : entries)
    if (!known.contains(entry))
      throw UsageError(fmt::format("{}: {}", run.path.string(),
                                   measure::unknown_choice("engine", entry, std::vector<std::string>(known.begin(), known.end()))));
}

void print(const std::vector<RankTable>& tables, bool as_json) {
  if (as_json) {
    nlohmann::json all = nlohmann::json::array();
    for (const RankTable& table : tables) all.push_back(to_json(table));
    fmt::print("{}\n", all.dump(1));
    return;
  }
  for (const RankTable& table : tables) fmt::print("{}", text_of(table));
  fmt::print(
      "\nThe weights are the profile's, an opinion about a use. =: the intervals don't part them, or they differ by less than {:g} "
      "%.\n",
      100 * measure::kEquivalenceMargin);
}

}  // namespace

void add_rank(CLI::App& app, RankOptions& options) {
  CLI::App& verb = *app.add_subcommand("rank", "who is cheapest for a use: a weighted mean over a run's cells, ties said as ties");
  verb.add_option("run", options.run, "results folder")->required();
  verb.add_option("--profile", options.profiles, "names, separated by commas; all: each (default)")->delimiter(',');
  verb.add_option("--profiles", options.file, "file of profiles (default: harness/bench/profiles.json)")->type_name("FILE");
  verb.add_option("--engine", options.choice.entries, "only these entries, separated by commas")->delimiter(',');
  verb.add_flag("--intersection", options.choice.intersection,
                "cells that somebody lacks count for nobody; else who lacks one isn't ranked");
  verb.add_flag("--json", options.json, "as JSON");
  verb.footer(R"(
A profile says how much each workload counts for a use; bring your own with --profiles:

  {"schema": 1, "profiles": [{"name": "mine", "summary": "...", "terms": [
    {"workload": "tcp_echo", "params": {"conns": 64}, "figure": "p99_ns", "weight": 3},
    {"workload": "accept_churn", "weight": 1}]}]}

Without a figure it is the workload's metric; a term with several cells shares its weight among them. An entry's cost is the
weighted geometric mean over cells, of medians over rounds. Its rank is 1 and how many are better than it: whose ratio's 99 % interval
(bootstrap over whole rounds) excludes 1, beyond 2 %. Each pair stands by itself: of many pairs some are parted wrongly.

  bench rank results/2026-11-28-standard --profile=churn

Exit status: 0 ranked, 2 usage, 4 a profile could rank nobody)");
}

int rank_verb(const RankOptions& options) {
  const auto profiles = chosen_profiles(options);
  const StoredRun run = load_run(options.run);
  require_entries(run, options.choice.entries);
  for (const std::string& damage : run.damage) fmt::print(stderr, "bench: {}: {}; left out\n", options.run, damage);
  std::vector<RankTable> tables;
  for (const Profile& profile : profiles) tables.push_back(rank(run.samples, profile, options.choice));
  print(tables, options.json);
  const bool all = std::all_of(tables.begin(), tables.end(), [](const RankTable& table) { return !table.entries.empty(); });
  return all ? kExitOk : kExitNotComparable;
}

}  // namespace reactorlab::bench
