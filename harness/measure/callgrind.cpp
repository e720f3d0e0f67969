#include "harness/measure/callgrind.hpp"

#include "harness/measure/command.hpp"

#include <fstream>
#include <stdexcept>

#include <fmt/format.h>

namespace reactorlab::measure {

std::optional<std::string> obstacle_to_callgrind() {
  return is_installed("valgrind") ? std::nullopt : std::optional<std::string>("valgrind isn't installed: scripts/setup all");
}

std::vector<std::string> callgrind_words(const std::filesystem::path& file) {
  // An engine of another language comes to life by exec, which is a child to valgrind.
  return {path_of("valgrind").value(), "-q", "--tool=callgrind", "--trace-children=yes", "--callgrind-out-file=" + file.string()};
}

std::uint64_t callgrind_instructions(const std::filesystem::path& file) {
  std::ifstream lines(file);
  std::optional<std::uint64_t> total;
  for (std::string line; std::getline(lines, line);)
    for (const char* key : {"totals: ", "summary: "})
      if (line.starts_with(key)) total = std::stoull(line.substr(std::string(key).size()));
  if (!total) throw std::runtime_error(fmt::format("callgrind wrote no totals to {}", file.string()));
  return *total;
}

}  // namespace reactorlab::measure
