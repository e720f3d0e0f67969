#pragma once

#include "harness/bench/verbs.hpp"
#include "harness/load/load.hpp"

#include <chrono>

namespace reactorlab::bench {

/// `bench load --rate` and `--ladder`: `load` holds what they share with the closed loop. Return an exit status; throw UsageError.
int open_load_verb(const LoadVerbOptions& options, const load::LoadOptions& load);
int ladder_verb(const LoadVerbOptions& options, const load::LoadOptions& load);

}  // namespace reactorlab::bench
