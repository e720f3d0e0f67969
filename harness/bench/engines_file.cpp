#include "harness/bench/engines_file.hpp"

#include "harness/bench/usage.hpp"
#include "harness/measure/command.hpp"
#include "harness/measure/host_facts.hpp"
#include "harness/measure/nearest_name.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

namespace reactorlab::bench {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

/// What is wrong with a line, and what to do.
struct Malformed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

const std::vector<std::string> kKeys = {"name", "command", "summary", "max_workers", "version", "remedy"};

std::string text_at(const json& entry, const char* key) {
  if (!entry.contains(key)) return {};
  if (!entry.at(key).is_string()) throw Malformed(fmt::format("\"{}\" is no text: write it in quotation marks", key));
  return entry.at(key);
}

std::vector<std::string> words_at(const json& entry, const char* key) {
  if (!entry.contains(key)) return {};
  const json& words = entry.at(key);
  const auto is_word = [](const json& word) { return word.is_string() && !word.get<std::string>().empty(); };
  if (!words.is_array() || words.empty() || !std::all_of(words.begin(), words.end(), is_word))
    throw Malformed(
        fmt::format("\"{}\" is no list of words: write the program and its arguments, as [\"python3\", \"echo.py\"]", key));
  return words;
}

unsigned workers_at(const json& entry) {
  const json workers = entry.value("max_workers", json(1U));
  if (!workers.is_number_unsigned() || workers > 1024)
    throw Malformed("\"max_workers\" is no number from 0 to 1024: write how many threads it can serve with, 0 for any number");
  return workers;
}

void require_name(const std::string& name) {
  const auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.'; };
  if (name.empty() || !std::all_of(name.begin(), name.end(), allowed))
    throw Malformed(fmt::format("\"name\" is '{}': write letters, digits, '_', '-' and '.', as in \"tokio_multi_thread\"", name));
}

json parse(const std::string& line) {
  try {
    return json::parse(line);
  } catch (const json::parse_error& error) {
    throw Malformed(fmt::format("no JSON (at character {}): write one entry, {{...}}, in one line", error.byte));
  }
}

ExternalEngine engine_in(const std::string& line) {
  const json entry = parse(line);
  if (!entry.is_object()) throw Malformed("no entry: write {\"name\": ..., \"command\": [...]}");
  for (const auto& [key, value] : entry.items())
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) throw Malformed(measure::unknown_choice("key", key, kKeys));
  ExternalEngine engine = {.name = text_at(entry, "name"),
                           .summary = text_at(entry, "summary"),
                           .command = words_at(entry, "command"),
                           .version = words_at(entry, "version"),
                           .remedy = text_at(entry, "remedy"),
                           .max_workers = workers_at(entry),
                           .folder = {}};
  require_name(engine.name);
  if (engine.command.empty()) throw Malformed("there is no \"command\": write the program and its arguments, as [\"./echo\"]");
  if (engine.summary.empty()) engine.summary = fmt::format("{}", fmt::join(engine.command, " "));
  return engine;
}

}  // namespace

std::vector<ExternalEngine> read_engines(const fs::path& file) {
  std::ifstream lines(file);
  if (!lines || fs::is_directory(file))
    throw UsageError(fmt::format("can't read the engines file {}: {}. Remedy: --engines=FILE with a file as in docs/ENGINES.md",
                                 file.string(), lines ? "it is a folder" : std::generic_category().message(errno)));
  std::vector<ExternalEngine> engines;
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      ExternalEngine engine = engine_in(line);
      const auto same = [&](const ExternalEngine& other) { return other.name == engine.name; };
      if (std::any_of(engines.begin(), engines.end(), same))
        throw Malformed(fmt::format("there is a '{}' above: give one of them another name", engine.name));
      engine.folder = fs::absolute(file).lexically_normal().parent_path();
      engines.push_back(std::move(engine));
    } catch (const Malformed& error) {
      throw UsageError(fmt::format("{}:{}: {} (docs/ENGINES.md)", file.string(), number, error.what()));
    }
  }
  return engines;
}

std::optional<fs::path> usual_engines_file() {
  const fs::path source = measure::source_folder();
  const fs::path file = source / "engines" / "engines.jsonl";
  std::error_code error;
  return !source.empty() && fs::exists(file, error) ? std::optional(file) : std::nullopt;
}

std::optional<fs::path> program_of(const ExternalEngine& engine) {
  const std::string& word = engine.command.front();
  if (word.find('/') != std::string::npos) return (engine.folder / word).lexically_normal();
  return measure::path_of(word);
}

std::string obstacle_to_starting(const ExternalEngine& engine) {
  const std::string remedy = engine.remedy.empty() ? "make it, or mend its entry's command" : engine.remedy;
  const auto program = program_of(engine);
  if (!program) return fmt::format("there is no {} on PATH. Remedy: {}", engine.command.front(), remedy);
  std::error_code error;
  if (!fs::exists(*program, error)) return fmt::format("there is no {}. Remedy: {}", program->string(), remedy);
  if (fs::is_directory(*program, error) || ::access(program->c_str(), X_OK) != 0)
    return fmt::format("{} isn't executable. Remedy: chmod +x, or mend its entry's command", program->string());
  return {};
}

}  // namespace reactorlab::bench
