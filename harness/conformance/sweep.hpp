#pragma once
// The fault sweep: a scenario is run again and again; in each run one system call of the runtime's fails, the n-th that can give
// that error, for every error that it can give and n = 1, 2, ... until the scenario ends without a fault.
//
// A run has to end (the hang oracle names the fault otherwise), with the right answer or with an error that the scenario saw: that
// very error. Nothing is left behind: descriptors, threads, registrations, waiters, timers, tasks.

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/reactorlab.hpp"
#include "harness/conformance/configuration.hpp"

namespace reactorlab::conformance {

/// One run of a scenario. What it found is told from any thread.
class SweepRun {
 public:
  explicit SweepRun(const Configuration& configuration) : configuration_{configuration} {}
  SweepRun(const SweepRun&) = delete;

  /// The runtime, made at the first call: throws what the fault made of that.
  IRuntime& runtime();
  /// Destroys it; what it still holds is a finding. The runner does that after the scenario.
  void end_runtime();

  /// The runtime's answer was an error, which doesn't end the scenario. 0: one without a number.
  void saw(int error);
  /// What isn't so is wrong, unless an error explains it.
  void expect(bool right, std::string_view what);
  /// True if an operation's answer is the wanted one. An error is seen, another answer is wrong.
  bool check(IoResult answer, IoResult wanted, std::string_view what);
  /// Something is wrong that no error excuses.
  void fail(std::string what);
  /// Runs a part of the scenario; std::system_error is an error that was seen.
  template <class Part>
  void guarded(Part&& part) {
    try {
      part();
    } catch (const std::system_error& error) {
      saw(error.code().value());
    }
  }
  Task<> guarded(Task<> part);

  // --- the runner's ---------------------------------------------------------------------------------------------------------

  const std::vector<int>& errors() const noexcept { return errors_; }
  const std::vector<std::string>& wrong() const noexcept { return wrong_; }
  const std::vector<std::string>& failures() const noexcept { return failures_; }

 private:
  const Configuration& configuration_;
  std::unique_ptr<IRuntime> runtime_;
  std::mutex mutex_;
  std::vector<int> errors_;
  std::vector<std::string> wrong_, failures_;
};

/// Its peers are the test's own: they make their calls past the runtime's seam, and end whatever becomes of the runtime. Time is
/// virtual and jumps to the next deadline as soon as nothing is ready, so no deadline may be pending while a peer is to act.
struct Scenario {
  std::string_view name;
  void (*run)(SweepRun&);
};

/// sweep_<name>.cpp each.
void sweep_echo(SweepRun&);
void sweep_connect(SweepRun&);
void sweep_wakes(SweepRun&);

/// Sweeps a scenario over configurations of one variant or several, and prints how many faults it injected. 0: no run failed, 1:
/// some did. Throws UsageError for an unknown scenario.
int run_sweep(std::string_view scenario, const std::vector<Configuration>& configurations);

}  // namespace reactorlab::conformance
