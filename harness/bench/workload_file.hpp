#pragma once

#include "harness/bench/workload.hpp"

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace reactorlab::bench {

/// A file of harness/workloads, embedded in the binary, so that it needs no path.
struct WorkloadFile {
  std::string_view name;  ///< "tcp_echo.json"
  std::string_view text;
};

/// A definition that can't be used. The text names the file and the field, and what would be right.
struct DefinitionError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

[[nodiscard]] const std::vector<WorkloadFile>& workload_files();

/// Reads a definition and checks that it is complete and says nothing unknown. Throws DefinitionError.
[[nodiscard]] Workload workload_from(const WorkloadFile& file);

}  // namespace reactorlab::bench
