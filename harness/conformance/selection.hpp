#pragma once
// Which bodies run on which configurations, and what became of them.

#include <string>
#include <string_view>
#include <vector>

#include "harness/conformance/kit.hpp"

namespace reactorlab::conformance {

inline constexpr int exit_no_match = 3;
inline constexpr int exit_skipped = 77;

/// Empty fields match everything.
struct Selection {
  std::string variant;
  std::string backend;  ///< empty: epoll, and for the rules about rings the one that shows most of them
  std::string rule;     ///< `REG-01`
  std::string configuration;
  std::string body;
  std::string mutant;
  std::string sweep;  ///< a scenario instead of rules

  bool matches(const Body& body, const Configuration& configuration) const;
  /// Its backend's name.
  std::string_view backend_name() const noexcept;
  std::string describe() const;
};

/// `short_name/arc_mutex_fine_2/virtual`; the rule is the suite's name.
std::string test_name(const Body& body, const Configuration& configuration);

/// Registers a GoogleTest test for each match; `configurations` must outlive the run. How many.
std::size_t register_tests(const Selection& selection, const std::vector<Configuration>& configurations);

/// After a run: `RULE.short_name` of the bodies that were skipped wherever they ran on some variant.
std::vector<std::string> skipped_bodies();

}  // namespace reactorlab::conformance
