#include "harness/conformance/sweep.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <optional>

#include "core/process_end.hpp"
#include "harness/conformance/fault_table.hpp"
#include "harness/conformance/process_state.hpp"
#include "harness/conformance/quiescence.hpp"
#include "harness/conformance/script.hpp"
#include "harness/conformance/virtual_clock.hpp"

namespace reactorlab::conformance {

// --- one run's findings ---------------------------------------------------------------------------------------------------------

IRuntime& SweepRun::runtime() {
  if (!runtime_) {
    const auto& [variant, label, options, capabilities, make_subject] = configuration_;
    runtime_ = make_subject ? make_subject(options) : make_runtime(variant, options);
  }
  return *runtime_;
}

void SweepRun::end_runtime() {
  if (!runtime_) return;
  runtime_->shutdown(Duration::zero());
  const RuntimeStats left = runtime_->stats();
  if (left.registrations + left.waiters + left.pending_timers + left.live_tasks != 0) {
    fail(fmt::format("{} registrations, {} waiters, {} timers and {} tasks are left", left.registrations, left.waiters,
                     left.pending_timers, left.live_tasks));
  }
  runtime_.reset();
}

void SweepRun::saw(int error) {
  std::lock_guard lock{mutex_};
  errors_.push_back(error);
}

void SweepRun::expect(bool right, std::string_view what) {
  if (right) return;
  std::lock_guard lock{mutex_};
  wrong_.emplace_back(what);
}

bool SweepRun::check(IoResult answer, IoResult wanted, std::string_view what) {
  if (answer == wanted) return true;
  if (!answer) {
    saw(answer.error());
  } else {
    expect(false, fmt::format("{}: {} instead of {}", what, answer.value(), wanted.value()));
  }
  return false;
}

void SweepRun::fail(std::string what) {
  std::lock_guard lock{mutex_};
  failures_.push_back(std::move(what));
}

Task<> SweepRun::guarded(Task<> part) {
  try {
    co_await std::move(part);
  } catch (const std::system_error& error) {
    saw(error.code().value());
  }
}

// --- the runner -----------------------------------------------------------------------------------------------------------------

namespace {

constexpr Scenario scenarios[] = {{"echo", sweep_echo}, {"connect", sweep_connect}, {"wakes", sweep_wakes}};

/// The call number `n` of its kind gives this error.
struct Fault {
  const FallibleCall& call;
  int error;
  unsigned n;

  bool unseen() const { return std::ranges::find(call.unseen, error) != call.unseen.end(); }
  std::string describe() const { return fmt::format("{} number {} gives {}", call.name, n, ::strerrorname_np(error)); }
};

class Sweep {
 public:
  Sweep(const Scenario& scenario, const Configuration& configuration) : scenario_{scenario}, configuration_{configuration} {}

  /// How many faults there were, and in how many runs something was wrong.
  struct Count {
    unsigned faults = 0;
    unsigned failures = 0;
  };
  Count count() {
    run(nullptr);
    if (count_.failures != 0) return count_;  // what is wrong without a fault says nothing about faults
    for (const FallibleCall& call : fallible_calls()) {
      if (calls_[&call] == 0) continue;
      for (const auto* errors : {&call.unseen, &call.seen}) {
        for (const int error : *errors) sweep(call, error);
      }
    }
    return count_;
  }

 private:
  static constexpr unsigned most_calls = 1'000;    // of a kind, in a scenario
  static constexpr unsigned enough_failures = 20;  // to see what is the matter

  static constexpr sys::Op last_op = sys::Op::writev;
  // Memory (FLT-07), a thread (FLT-05), a wait for a word, which has no error, and a completion, whose error would be another
  // one's.
  static constexpr sys::Op not_swept[] = {sys::Op::mmap,  sys::Op::mprotect, sys::Op::munmap,
                                          sys::Op::clone, sys::Op::futex,    sys::Op::ring_completion};

  void sweep(const FallibleCall& call, int error) {
    for (unsigned n = 1; count_.failures < enough_failures; ++n) {
      const Fault fault{call, error, n};
      if (n > most_calls) return complain(&fault, "the scenario makes more and more of these calls");
      if (!run(&fault)) return;
      ++count_.faults;
    }
  }

  /// One run. True if it came to the fault.
  bool run(const Fault* fault) {
    const std::string what =
        fmt::format("sweep {} on {}: {}", scenario_.name, configuration_.label, fault ? fault->describe() : "no fault");
    const ProcessState before = ProcessState::now();
    Quiescence::body_began(what);
    std::atomic<unsigned> seen{0};
    SweepRun run{configuration_};
    {
      VirtualClock clock{VirtualClock::Mode::automatic};
      Script script;
      fault ? inject(script, *fault, seen) : count_calls(script);
      try {
        run.guarded([&] { scenario_.run(run); });
      } catch (const std::exception& error) {
        run.fail(fmt::format("thrown: {}", error.what()));
      }
      run.end_runtime();
    }
    simulate_end_of_process();
    Quiescence::body_ended();
    if (const int op = unknown_.exchange(-1); op >= 0)
      complain(fault, fmt::format("sys::Op number {} was called, and neither has a row in the fault table nor is exempt", op));
    const bool injected = fault && seen.load() >= fault->n;
    judge(fault, injected, run);
    const ProcessState after = ProcessState::settled_like(before);
    if (after.descriptors != before.descriptors)
      complain(fault, fmt::format("open before: {}, after: {}", before.descriptors, after.descriptors));
    if (after.threads != before.threads) complain(fault, fmt::format("{} threads before, {} after", before.threads, after.threads));
    return injected;
  }

  void count_calls(Script& script) {
    for (const FallibleCall& call : fallible_calls()) {
      script.on(call.op, Script::any_fd, [&call, &count = calls_[&call]](sys::Call& made) {
        if (call.concerns(made)) count.fetch_add(1);
        return std::optional<long>{};
      });
    }
    for (int number = 0; number <= static_cast<int>(last_op); ++number) {
      const auto op = static_cast<sys::Op>(number);
      const bool has_row = std::ranges::any_of(fallible_calls(), [op](const FallibleCall& row) { return row.op == op; });
      if (has_row || std::ranges::find(not_swept, op) != std::end(not_swept)) continue;
      script.on(op, Script::any_fd, [&unknown = unknown_, number](sys::Call&) {
        unknown = number;
        return std::optional<long>{};
      });
    }
  }

  static void inject(Script& script, const Fault& fault, std::atomic<unsigned>& seen) {
    script.on(fault.call.op, Script::any_fd, [&script, &fault, &seen](sys::Call& call) -> std::optional<long> {
      if (!fault.call.concerns(call) || seen.fetch_add(1) + 1 != fault.n) return std::nullopt;
      if (fault.error == EAGAIN && fault.call.edge != 0) script.inject_edge(call.fd, fault.call.edge, false);
      if (fault.call.effect == Effect::none) return -fault.error;
      Script::tell_instead(-fault.error);
      return std::nullopt;
    });
  }

  void judge(const Fault* fault, bool injected, const SweepRun& run) {
    for (const std::string& failure : run.failures()) complain(fault, failure);
    const auto& errors = run.errors();
    if (!injected || fault->unseen()) {
      if (!errors.empty()) complain(fault, fmt::format("errors that nobody should see: {}", errors));
      if (!run.wrong().empty()) complain(fault, fmt::format("wrong: {}", run.wrong()));
      return;
    }
    const bool told = std::ranges::any_of(errors, [&](int error) { return error == fault->error || error == 0; });
    if (!run.wrong().empty() && !told) complain(fault, fmt::format("wrong: {}; the errors seen were {}", run.wrong(), errors));
    if (!errors.empty() && !told) complain(fault, fmt::format("other errors were seen: {}", errors));
  }

  void complain(const Fault* fault, std::string_view what) {
    ++count_.failures;
    fmt::print(stderr, "sweep {} on {}: {}: {}\n", scenario_.name, configuration_.label, fault ? fault->describe() : "no fault",
               what);
  }

  const Scenario& scenario_;
  const Configuration& configuration_;
  std::map<const FallibleCall*, std::atomic<unsigned>> calls_;
  std::atomic<int> unknown_{-1};  // the number of an operation that nobody thought of
  Count count_;
};

const Scenario& scenario_called(std::string_view name) {
  std::string names;
  for (const Scenario& scenario : scenarios) {
    if (scenario.name == name) return scenario;
    names += fmt::format(" {}", scenario.name);
  }
  throw UsageError{fmt::format("unknown scenario '{}'; there are:{}", name, names)};
}

}  // namespace

int run_sweep(std::string_view name, const std::vector<Configuration>& configurations) {
  const Scenario& scenario = scenario_called(name);
  unsigned faults = 0, failures = 0;
  for (const Configuration& configuration : configurations) {
    const auto count = Sweep{scenario, configuration}.count();
    fmt::print("sweep {} on {}: {} faults injected, {} failures\n", name, configuration.label, count.faults, count.failures);
    faults += count.faults;
    failures += count.failures;
  }
  fmt::print("sweep {}: {} faults injected, {} failures\n", name, faults, failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace reactorlab::conformance
