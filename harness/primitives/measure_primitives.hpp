#pragma once

#include "harness/primitives/catalogue.hpp"
#include "harness/primitives/primitive.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace reactorlab::primitives {

struct MeasureSettings {
  Cpus cpus;
  std::chrono::duration<double> time_each;  ///< of one primitive, over all rounds
  std::size_t rounds = 5;                   ///< each goes through all of them: drift meets all alike
  const std::atomic<bool>* cancel = nullptr;
  std::function<void(std::string_view name, std::size_t round)> starts = {};  ///< before each turn of a primitive
  std::function<void()> done = {};                                            ///< after it
};

/// Measures what is asked, in its order; nothing if it was cancelled. What this machine hasn't got is "not measured" with the
/// reason.
///
/// It measures on a thread of its own, which is pinned: a process with one thread only would get cheaper locks from libc.
[[nodiscard]] std::optional<std::vector<Primitive>> measure_all(const std::vector<Known>& wanted, const MeasureSettings& settings);

}  // namespace reactorlab::primitives
