#include "harness/bench/become_engine.hpp"

#include "harness/bench/usage.hpp"

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

namespace reactorlab::bench {
namespace {

using nlohmann::json;

void set(const char* name, std::size_t value) { ::setenv(name, std::to_string(value).c_str(), 1); }

void set_environment(const ServeRequest& request) {
  set("REACTORLAB_PORT", request.port);
  set("REACTORLAB_WORKERS", request.workers);
  set("REACTORLAB_READ_CHUNK", request.read_chunk);
  set("REACTORLAB_BACKLOG", static_cast<std::size_t>(request.backlog));
}

}  // namespace

void become_engine(const ExternalEngine& engine, const ServeRequest& request) {
  if (const std::string obstacle = obstacle_to_starting(engine); !obstacle.empty())
    throw std::runtime_error(fmt::format("engine:{} can't be started: {}", engine.name, obstacle));
  const std::string program = program_of(engine)->string();
  std::vector<std::string> words = engine.command;
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  set_environment(request);
  if (::chdir(engine.folder.c_str()) == 0) ::execv(program.c_str(), pointers.data());
  throw std::runtime_error(fmt::format(
      "engine:{} can't be started: {}: {}. Remedy: make it a program of this machine, or a script whose first line is #! and its "
      "interpreter",
      engine.name, program, std::generic_category().message(errno)));
}

std::string to_word(const ExternalEngine& engine) {
  return json{{"name", engine.name}, {"command", engine.command}, {"folder", engine.folder.string()}}.dump();
}

ExternalEngine engine_from_word(const std::string& word) {
  try {
    const json entry = json::parse(word);
    ExternalEngine engine;
    engine.name = entry.at("name");
    engine.command = entry.at("command").get<std::vector<std::string>>();
    engine.folder = entry.at("folder").get<std::string>();
    if (engine.command.empty()) throw UsageError("--engine-entry has an empty command; it is for the bench itself: use --impl");
    return engine;
  } catch (const json::exception& error) {
    throw UsageError(fmt::format("--engine-entry is no entry ({}); it is for the bench itself: use --impl", error.what()));
  }
}

}  // namespace reactorlab::bench
