#pragma once

#include "harness/bench/entry.hpp"
#include "harness/bench/workload.hpp"
#include "harness/load/load.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reactorlab::bench {

/// A workload with a server, and the load that it is.
struct ServedWorkload {
  std::string_view name;
  load::LoadResult (*run)(const load::LoadOptions& options);
  bool saturates = true;            ///< server or generator always has something to do; else a CPU that is idle says nothing
  std::string_view proto = "echo";  ///< what the server speaks (serve --proto)
};

[[nodiscard]] const std::vector<ServedWorkload>& served_workloads();

/// REQUIRES: a name of served_workloads(); throws std::out_of_range.
[[nodiscard]] const ServedWorkload& served_workload_of(std::string_view name);

/// How many workers a server has in a cell's topology, if so many are asked for.
[[nodiscard]] unsigned workers_in(const Cell& cell, unsigned asked);

/// Why the entry has no form of the workload, half a sentence; nothing where it has one.
[[nodiscard]] std::optional<std::string> obstacle_to_serving(const Entry& entry, const Cell& cell);

}  // namespace reactorlab::bench
