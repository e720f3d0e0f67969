#include "harness/bench/profile.hpp"

#include "harness/bench/usage.hpp"
#include "harness/measure/host_facts.hpp"
#include "harness/measure/nearest_name.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace reactorlab::bench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kProfileSchema = 1;

const Figure* figure_of(const std::string& name) {
  std::vector<std::string> known;
  for (const Figure& figure : figures()) {
    if (figure.name == name) return &figure;
    known.emplace_back(figure.name);
  }
  throw std::runtime_error(measure::unknown_choice("figure", name, known));
}

/// A key that nobody reads is a typo that would change the ranking in silence.
void refuse_others(const json& object, const std::vector<std::string>& known) {
  for (const auto& [key, value] : object.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      throw std::runtime_error(measure::unknown_choice("key", key, known));
}

ProfileTerm term_from_json(const json& from) {
  refuse_others(from, {"workload", "params", "figure", "weight"});
  ProfileTerm term{.workload = from.at("workload")};
  if (from.contains("params")) term.params = from.at("params").get<Params>();
  if (from.contains("figure")) term.figure = figure_of(from.at("figure"));
  term.weight = from.at("weight");
  if (!(term.weight > 0)) throw std::runtime_error(fmt::format("the weight {} isn't above 0: leave the term out", term.weight));
  return term;
}

Profile profile_from_json(const json& from) {
  refuse_others(from, {"name", "summary", "terms"});
  Profile profile{.name = from.at("name"), .summary = from.value("summary", ""), .terms = {}};
  try {
    for (const json& term : from.at("terms")) profile.terms.push_back(term_from_json(term));
    if (profile.terms.empty()) throw std::runtime_error("it has no terms");
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("profile '{}', term {}: {}", profile.name, profile.terms.size() + 1, error.what()));
  }
  return profile;
}

std::vector<Profile> parse(const json& from) {
  if (from.at("schema") != kProfileSchema)
    throw std::runtime_error(fmt::format("it has schema {}, this program reads {}", from.at("schema").dump(), kProfileSchema));
  std::vector<Profile> profiles;
  for (const json& profile : from.at("profiles")) profiles.push_back(profile_from_json(profile));
  return profiles;
}

}  // namespace

bool ProfileTerm::matches(const Cell& cell) const {
  return cell.workload == workload && std::all_of(params.begin(), params.end(), [&](const auto& param) {
           const auto found = cell.params.find(param.first);
           return found != cell.params.end() && found->second == param.second;
         });
}

std::string describe(const ProfileTerm& term) {
  std::string text = describe(Cell{term.workload, term.params});
  if (term.figure != nullptr) text += fmt::format(" ({})", term.figure->name);
  return text;
}

std::vector<Profile> read_profiles(const fs::path& file) {
  std::ifstream in(file);
  if (!in) throw UsageError(fmt::format("{} can't be read: name a file of profiles with --profiles=FILE", file.string()));
  try {
    return parse(json::parse(in));
  } catch (const std::exception& error) {
    throw UsageError(fmt::format("{}: {}", file.string(), error.what()));
  }
}

std::optional<fs::path> usual_profiles_file() {
  const fs::path source = measure::source_folder();
  const fs::path file = source / "harness" / "bench" / "profiles.json";
  std::error_code error;
  return !source.empty() && fs::exists(file, error) ? std::optional(file) : std::nullopt;
}

}  // namespace reactorlab::bench
