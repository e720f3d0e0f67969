#pragma once

#include "harness/bench/entry.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Entries of which is known beforehand how they come out. Their labels name the entry that they are made of, and what is known:
/// "raw_epoll#again" is the same, "thread_local#+5%" does 5 % more work in each operation.
namespace reactorlab::bench {

[[nodiscard]] bool is_control(std::string_view label);

/// "thread_local" of "thread_local#+5%".
[[nodiscard]] std::string base_of(std::string_view label);

/// 0.05 of "thread_local#+5%"; nothing where nothing is injected.
[[nodiscard]] std::optional<double> injected_share(std::string_view label);

/// The controls of a run with these entries: both baselines again, and the positive controls of thread_local. Where those aren't
/// there the first entry is taken again, and the first home is made dearer. Engines of other languages and peers can't be.
[[nodiscard]] std::vector<Entry> control_entries(const std::vector<Entry>& entries);

/// Whether it is one of the homes: what the negative control compares.
[[nodiscard]] bool is_home(const std::string& impl);

}  // namespace reactorlab::bench
