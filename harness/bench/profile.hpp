#pragma once

#include "harness/bench/metric.hpp"
#include "harness/bench/workload.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace reactorlab::bench {

/// What somebody cares about, and how much.
struct ProfileTerm {
  std::string workload;
  Params params = {};              ///< of the workload's cells those that have all of these; several share the weight
  const Figure* figure = nullptr;  ///< null: the metric of the workload
  double weight = 1;

  [[nodiscard]] bool matches(const Cell& cell) const;
};

/// "tcp_echo with conns 64, p99_ns".
[[nodiscard]] std::string describe(const ProfileTerm& term);

/// Weights are an opinion about a use; a profile is that opinion as data.
struct Profile {
  std::string name;
  std::string summary;
  std::vector<ProfileTerm> terms;
};

/// Throws UsageError that names file and place of what is wrong.
[[nodiscard]] std::vector<Profile> read_profiles(const std::filesystem::path& file);

/// The repository's, where it is there.
[[nodiscard]] std::optional<std::filesystem::path> usual_profiles_file();

}  // namespace reactorlab::bench
