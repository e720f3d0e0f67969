#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// User instructions, counted by valgrind's callgrind. It runs one thread at a time: nothing is learnt about contention or caches.
namespace reactorlab::measure {

/// Why it can't be used here, with the remedy; nothing where it can.
[[nodiscard]] std::optional<std::string> obstacle_to_callgrind();

/// valgrind with the flags that make it write its counts to `file`; what it is to run comes behind. REQUIRES: no obstacle.
[[nodiscard]] std::vector<std::string> callgrind_words(const std::filesystem::path& file);

/// The instructions of the whole run in what callgrind wrote. Throws std::runtime_error where there are none.
[[nodiscard]] std::uint64_t callgrind_instructions(const std::filesystem::path& file);

}  // namespace reactorlab::measure
