#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace reactorlab::measure {

/// Standard output of a short helper program, found on PATH; its standard error is dropped. Nothing where it isn't
/// installed, fails, or takes longer than `limit` (then it is killed).
[[nodiscard]] std::optional<std::string> output_of(const std::vector<std::string>& argv,
                                                   std::chrono::milliseconds limit = std::chrono::seconds(10));

/// Where on PATH the program of this name is; nothing where it isn't.
[[nodiscard]] std::optional<std::string> path_of(const std::string& program);

/// Whether a program of this name is on PATH.
[[nodiscard]] bool is_installed(const std::string& program);

}  // namespace reactorlab::measure
