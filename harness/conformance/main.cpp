// conformance --variant=X --rule=REG-01              all bodies of a rule, on all configurations of a variant
// conformance --variant=X --rule=FLT-08 --seed=N     what is left to chance, as it was then
// conformance --mutant=NAME --expect-killed-by=RULE  passes when the rule fails with that fault switched on, somewhere
// conformance --rule=REG-01 --note-switches          prints besides which mutants' switches the rule comes to (scripts/mutants)
// conformance --variant=X --sweep=echo               a scenario, with each of its system calls failing in each way it can
// Status: 0 passed, 1 failed, 2 usage, 3 nothing matches, 4 hung, 77 a body was skipped (and none failed).

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>

#include "core/backend_choice.hpp"
#include "harness/conformance/chaos.hpp"
#include "harness/conformance/facilities.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/mutant_run.hpp"
#include "harness/conformance/selection.hpp"
#include "harness/conformance/sweep.hpp"

namespace reactorlab::conformance {
namespace {

constexpr int exit_usage = 2;

int list(const Selection& selection, const std::vector<Configuration>& configurations) {
  for (const Body& body : bodies()) {
    for (const Configuration& c : configurations) {
      if (selection.matches(body, c)) fmt::print("{}.{}\n", body.rule, test_name(body, c));
    }
  }
  return 0;
}

void run_under(Mutant mutant, std::chrono::milliseconds watchdog) {
  active_mutant = mutant;
  Patience patience;
  if (mutant != Mutant::none && mutant != noting_switches)
    patience = {std::chrono::milliseconds{300}, std::chrono::milliseconds{4'000}};
  if (watchdog.count() != 0) patience.watchdog = watchdog;
#if REACTORLAB_SANITIZED
  patience.watchdog *= 4;
#endif
  Quiescence::start(patience);
}

int run(const Selection& selection, const std::vector<Configuration>& configurations, Mutant mutant,
        std::chrono::milliseconds watchdog) {
  if (register_tests(selection, configurations) == 0) {
    fmt::print(stderr, "conformance: no body matches {}; `conformance --list` shows what there is\n", selection.describe());
    return exit_no_match;
  }
  run_under(mutant, watchdog);
  fmt::print("backend {}, fault {}\n", name_of(configurations.front().options.backend),
             selection.mutant.empty() ? "none" : selection.mutant);
  std::fflush(stdout);
  const bool failed = RUN_ALL_TESTS() != 0;
  const Backend backend = configurations.front().options.backend;
  fmt::print("{} runtimes were seen to run on {}\n", ran_on(backend), backend == Backend::epoll ? "epoll" : "a ring");
  if (mutant == noting_switches) fmt::print("switches: {}\n", fmt::join(noted_switches(), " "));
  if (failed) return 1;
  return skipped_bodies().empty() ? 0 : exit_skipped;
}

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  Selection selection;
  std::string killer;
  bool listing = false, noting = false;
  unsigned watchdog_ms = 0;
  CLI::App app{"The rules of docs/SPEC.md against the runtimes of impls/."};
  app.add_option("--variant", selection.variant, "folder of impls/; all if not given");
  app.add_option("--backend", selection.backend, "epoll, uring_poll, uring or auto; if not given epoll, of a rule about rings uring");
  app.add_option("--rule", selection.rule, "such as REG-01");
  app.add_option("--configuration", selection.configuration, "label such as arc_mutex_fine_2");
  app.add_option("--body", selection.body, "short name of one body");
  app.add_option("--mutant", selection.mutant, "switch a fault on (harness/conformance/mutants)");
  app.add_option("--expect-killed-by", killer, "rule (or sweep-echo) that must fail with the mutant on at least one configuration");
  app.add_option("--sweep", selection.sweep, "inject faults into a scenario instead: echo, connect or wakes");
  app.add_flag("--note-switches", noting, "print which mutants' switches the rules come to");
  app.add_option("--watchdog", watchdog_ms, "milliseconds that one body may run; 0: 20,000, with a mutant 4,000");
  app.add_option("--seed", replayed_seed, "run rules of chance with this seed only");
  app.add_flag("--list", listing, "print the tests and don't run them");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return status == 0 ? 0 : exit_usage;
  }
  if (!killer.empty()) selection.rule = killer;
  if (selection.backend == "auto") {
    const BackendChoice best = best_backend();
    selection.backend = name_of(best.backend);
    fmt::print("backend auto: {}{}{}\n", selection.backend, best.fell_back.empty() ? "" : ", fell back: ", best.fell_back);
  }
  const auto backend = backend_named(selection.backend_name());
  if (!backend) throw UsageError{"unknown backend '" + selection.backend + "'; there are: epoll, uring_poll, uring, auto"};
  Mutant mutant = mutant_by_name(selection.mutant);
  if (!selection.mutant.empty() && mutant == Mutant::none) {
    throw UsageError{"unknown mutant '" + selection.mutant + "'; harness/conformance/mutants/mutants.txt has the list"};
  }
  if (noting) {
    if (!selection.mutant.empty()) throw UsageError{"--note-switches and --mutant exclude each other"};
    mutant = noting_switches;
  }
  if (!killer.empty() && selection.mutant.empty()) throw UsageError{"--expect-killed-by needs --mutant"};

  prepare_process();
  std::vector<Configuration> configurations;
  for (const std::string_view variant : runtime_names()) {
    if (!selection.variant.empty() && selection.variant != variant) continue;
    std::ranges::copy_if(configurations_of(variant, *backend), std::back_inserter(configurations), [&](const auto& each) {
      return selection.configuration.empty() || selection.configuration == each.label;
    });
  }
  if (configurations.empty()) (void)make_runtime(selection.variant);  // throws with the list
  if (listing) return list(selection, configurations);
  if (const auto reason = why_unavailable(*backend)) {
    fmt::print("skipped: backend {} isn't there: {}\n", selection.backend_name(), *reason);
    return exit_skipped;
  }
  if (!killer.empty()) return expect_killed(selection, configurations);
  const std::chrono::milliseconds watchdog{watchdog_ms};
  if (selection.sweep.empty()) return run(selection, configurations, mutant, watchdog);
  run_under(mutant, watchdog);
  return run_sweep(selection.sweep, configurations);
}

}  // namespace
}  // namespace reactorlab::conformance

int main(int argc, char** argv) {
  try {
    return reactorlab::conformance::main(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "conformance: {}\n", error.what());
    return 2;
  }
}
