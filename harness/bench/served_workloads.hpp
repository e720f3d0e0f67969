#pragma once

#include "harness/load/load.hpp"

#include <string_view>
#include <vector>

namespace reactorlab::bench {

/// A workload with a server, and the load that it is.
struct ServedWorkload {
  std::string_view name;
  load::LoadResult (*run)(const load::LoadOptions& options);
  bool saturates = true;  ///< server or generator always has something to do; else a CPU that is idle says nothing
};

[[nodiscard]] const std::vector<ServedWorkload>& served_workloads();

/// REQUIRES: a name of served_workloads(); throws std::out_of_range.
[[nodiscard]] const ServedWorkload& served_workload_of(std::string_view name);

}  // namespace reactorlab::bench
