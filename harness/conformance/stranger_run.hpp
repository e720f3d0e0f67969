#pragma once
// The kit on runtimes that don't keep to the seams (docs/decisions/0015).

#include <string>
#include <vector>

#include "harness/conformance/selection.hpp"

namespace reactorlab::conformance {

/// A runtime of somebody else's as a configuration of the variant of that name.
Configuration configuration_of(const std::string& variant, const Subject& subject);

/// Runs (or only lists) what of the selection can be asked of them, and prints under `name` how many tests passed and, for each
/// reason, how many were skipped. 0 no rule failed, 1 one did, exit_no_match; the process ends with exit_hung when nothing can
/// happen any more. Once in a process.
int run_strangers(const std::string& name, const Selection& selection, const std::vector<Configuration>& configurations,
                  bool listing);

}  // namespace reactorlab::conformance
