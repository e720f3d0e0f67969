#pragma once

#include "harness/bench/entry.hpp"

#include <vector>

#include <nlohmann/json.hpp>

namespace reactorlab::bench {

/// What the external engines among the entries are, by label: the command, a digest of each file that it names, the
/// version that they print. Samples of an engine whose facts have changed can't be compared. Empty without any.
[[nodiscard]] nlohmann::json engine_facts(const std::vector<Entry>& entries);

}  // namespace reactorlab::bench
