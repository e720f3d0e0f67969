#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace reactorlab::bench {

/// An echo server of any language: an executable that is started, and measured from outside (docs/ENGINES.md).
struct ExternalEngine {
  std::string name;  ///< without "engine:"
  std::string summary;
  std::vector<std::string> command;
  std::vector<std::string> version;  ///< a command that prints it; empty: there is none
  std::string remedy;                ///< how to get the executable; may be empty
  unsigned max_workers = 1;          ///< 0: any number
  std::filesystem::path folder;      ///< that of its file, absolute: where its commands are run
};

/// The engines that a file names, one a line, in JSON. Throws UsageError with file, line, cause and remedy.
[[nodiscard]] std::vector<ExternalEngine> read_engines(const std::filesystem::path& file);

/// The file that the repository brings; nothing where the repository is gone.
[[nodiscard]] std::optional<std::filesystem::path> usual_engines_file();

/// The executable: a word with a slash is a path from the engine's folder, another one is looked up on PATH. Nothing
/// where PATH hasn't it.
[[nodiscard]] std::optional<std::filesystem::path> program_of(const ExternalEngine& engine);

/// Why it can't be started here, with what to do; empty where it can.
[[nodiscard]] std::string obstacle_to_starting(const ExternalEngine& engine);

}  // namespace reactorlab::bench
