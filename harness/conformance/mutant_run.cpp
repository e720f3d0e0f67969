#include "harness/conformance/mutant_run.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/conformance/child_run.hpp"

namespace reactorlab::conformance {

int expect_killed(const Selection& selection, const std::vector<Configuration>& configurations) {
  constexpr std::string_view sweep = "sweep-";
  const bool sweeps = selection.rule.starts_with(sweep);
  const std::string what = sweeps ? "--sweep=" + selection.rule.substr(sweep.size()) : "--rule=" + selection.rule;
  bool any = false;
  for (const Configuration& c : configurations) {
    const auto matches = [&](const Body& body) { return selection.matches(body, c); };
    if (!sweeps && std::ranges::none_of(bodies(), matches)) continue;
    any = true;
    // Its own name too, by which death tests start it once more.
    const Ending ending = run_child({"/proc/self/exe", "--variant=" + c.variant, "--configuration=" + c.label, what,
                                     fmt::format("--backend={}", name_of(c.options.backend)), "--mutant=" + selection.mutant});
    if (const std::string reason = verdict(ending); !reason.empty()) {
      fmt::print("{} is killed by {} on {}: {}\n{}\n", selection.mutant, selection.rule, c.label, reason, ending.said);
      return 0;
    }
    fmt::print("{} survives {} on {}\n", selection.mutant, selection.rule, c.label);
  }
  if (!any) {
    fmt::print(stderr, "conformance: no body of {}\n", selection.rule);
    return exit_no_match;
  }
  return 1;
}

}  // namespace reactorlab::conformance
