#include "harness/bench/engine_facts.hpp"

#include "harness/measure/command.hpp"
#include "harness/measure/host_facts.hpp"

#include <filesystem>
#include <system_error>

namespace reactorlab::bench {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

/// By the word of the command that names it. What the program loads beside these files isn't known.
json digests_of(const ExternalEngine& engine) {
  json digests = json::object();
  const auto add = [&](const std::string& word, const fs::path& file) {
    std::error_code error;
    if (fs::is_regular_file(file, error)) digests[word] = measure::digest_of_file(file);
  };
  for (const std::string& word : engine.command) add(word, engine.folder / word);
  if (const auto program = program_of(engine)) add(engine.command.front(), *program);
  return digests;
}

std::string version_of(const ExternalEngine& engine) {
  if (engine.version.empty()) return "n/a (its entry has no \"version\")";
  std::vector<std::string> words = {"env", "-C", engine.folder};
  words.insert(words.end(), engine.version.begin(), engine.version.end());
  const auto said = measure::output_of(words);
  return said ? said->substr(0, said->find('\n')) : "n/a (the command of its \"version\" failed)";
}

}  // namespace

json engine_facts(const std::vector<Entry>& entries) {
  json facts = json::object();
  for (const Entry& entry : entries)
    if (entry.external != nullptr)
      facts[entry.label] = {
          {"command", entry.external->command}, {"files", digests_of(*entry.external)}, {"version", version_of(*entry.external)}};
  return facts;
}

}  // namespace reactorlab::bench
