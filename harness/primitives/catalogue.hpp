#pragma once

#include "harness/primitives/trial.hpp"

#include <memory>
#include <string_view>
#include <vector>

namespace reactorlab::primitives {

/// A primitive that can be measured. Names never change their meaning: files of other machines hold them.
struct Known {
  std::string_view name;
  std::string_view summary;                     ///< what exactly is timed, half a sentence
  std::unique_ptr<Trial> (*make)(const Cpus&);  ///< throws NotMeasurable, std::system_error
};

/// In the order of tables.
[[nodiscard]] const std::vector<Known>& catalogue();

// --- what it is made of, each in the file of its name ------------------------------------------------------------------

[[nodiscard]] std::vector<Known> kernel_trials();   ///< one thread and the kernel
[[nodiscard]] std::vector<Known> socket_trials();   ///< TCP over loopback
[[nodiscard]] std::vector<Known> memory_trials();   ///< locks, atomics, the allocator
[[nodiscard]] std::vector<Known> handoff_trials();  ///< one thread wakes another

}  // namespace reactorlab::primitives
