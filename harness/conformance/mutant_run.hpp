#pragma once
// A rule against a fault: one child process per configuration, because a fault may hang or crash it.

#include <vector>

#include "harness/conformance/selection.hpp"

namespace reactorlab::conformance {

/// Runs selection.rule under selection.mutant, one configuration after the other, until it fails on one. 0: it did (a failure, a
/// hang and a crash count alike). 1: the fault survived. exit_no_match: no such body.
int expect_killed(const Selection& selection, const std::vector<Configuration>& configurations);

}  // namespace reactorlab::conformance
