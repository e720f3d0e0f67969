#pragma once
// Chance where the order of things is nobody's promise: threads give way at sync points, a wait's events come in another order, in
// smaller batches, not at all, or it is interrupted. The same seed makes the same choices on each thread, so where one thread does
// all a run can be repeated.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/sync.hpp"
#include "harness/conformance/quiescence.hpp"
#include "harness/conformance/script.hpp"

namespace reactorlab::conformance {

/// --seed=N: only this one.
inline std::optional<std::uint64_t> replayed_seed;

/// Installed until destroyed, instead of a Script and of SyncPoints. Before the runtime.
class Chaos {
 public:
  /// `tracing`: trace() will be asked for.
  explicit Chaos(std::uint64_t seed, bool tracing = false);
  Chaos(const Chaos&) = delete;
  ~Chaos();

  Script& script() noexcept { return script_; }

  /// What has happened, as far as the library can see: system calls and the events they brought, one line each. Descriptors and
  /// tokens are numbered in the order in which they come up, since their values aren't the runtime's choice. For runs in which one
  /// thread does all.
  std::vector<std::string> trace() const;

 private:
  Script script_;
};

/// Runs body(seed) for `count` seeds, or for the one that was asked for. Whatever fails says which it was.
template <class Body>
void for_each_seed(std::uint64_t count, Body&& body) {
  const std::uint64_t first = replayed_seed.value_or(1);
  const std::uint64_t last = replayed_seed.value_or(count);
  const auto* const info = ::testing::UnitTest::GetInstance()->current_test_info();
  for (std::uint64_t seed = first; seed <= last && !::testing::Test::HasFailure(); ++seed) {
    const std::string replay = fmt::format("--seed={}", seed);
    SCOPED_TRACE(replay);
    Quiescence::body_began(fmt::format("{}.{} {}", info->test_suite_name(), info->name(), replay));
    body(seed);
  }
}

}  // namespace reactorlab::conformance
