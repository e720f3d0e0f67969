#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

/// Everything about a machine and a build that a reader needs to believe or repeat a number. What can't be read is
/// "n/a", never a guess.
namespace reactorlab::measure {

/// Facts that stay while the machine runs: CPU, kernel and its parameters, memory, limits, sysctls.
[[nodiscard]] nlohmann::json machine_facts();

/// Of a kernel command line, the parameters that affect a measurement (a fixed list of keys), in their order; "none" if
/// there are none. The rest (devices, addresses, arguments of init) is nobody's business.
[[nodiscard]] std::string measurement_parameters(std::string_view command_line);

/// Facts that change: load average, steal, pressure, governor.
[[nodiscard]] nlohmann::json noise_facts();

/// Compiler, flags, commit, package versions and digest of the running binary.
[[nodiscard]] nlohmann::json build_facts();

/// SHA-256 of a file by the distribution's own tool; else its size and time, which at least tell two builds apart.
[[nodiscard]] std::string digest_of_file(const std::string& path);

/// 16 hexadecimal digits that change with any fact (FNV-1a over the text of `facts`).
[[nodiscard]] std::string digest_of(const nlohmann::json& facts);

/// The repository this binary was built from; empty where it isn't there any more.
[[nodiscard]] std::string source_folder();

/// UTC, "2026-11-21T22:30:00Z".
[[nodiscard]] std::string utc_now();

}  // namespace reactorlab::measure
