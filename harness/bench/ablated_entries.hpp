#pragma once

#include "harness/bench/ablation_definition.hpp"
#include "harness/bench/entry.hpp"

#include <string>
#include <vector>

namespace reactorlab::bench {

/// Whether the entry, which isn't ablated itself, is one that the ablation can be made of. All are made for epoll.
[[nodiscard]] bool can_vary(const AblationDefinition& ablation, const Entry& entry);

/// The entry with that choice changed.
[[nodiscard]] Entry ablated(const Entry& base, const AblationDefinition& ablation);

/// The entries, each followed by those that are made of it. `names`: of ablations, or "all": every one that some entry can be
/// varied by. Throws UsageError for a name that doesn't exist, is left out, or varies none of the entries.
[[nodiscard]] std::vector<Entry> with_ablations(const std::vector<Entry>& entries, const std::vector<std::string>& names);

}  // namespace reactorlab::bench
