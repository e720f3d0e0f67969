#include "harness/bench/micro_verb.hpp"

#include "harness/bench/entry.hpp"
#include "harness/bench/in_process_child.hpp"
#include "harness/bench/in_process_workloads.hpp"
#include "harness/bench/usage.hpp"
#include "harness/measure/nearest_name.hpp"
#include "harness/measure/process_setup.hpp"
#include "harness/measure/sleeping_thread.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <regex>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace reactorlab::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kFlagPrefix = "--benchmark_";

/// One line of the table.
struct MicroCase {
  Entry entry;
  std::string workload;
  Params params;
  std::vector<int> cpus;
  bool spread;

  [[nodiscard]] std::string name() const {
    std::string text = fmt::format("{}/{}", workload, entry.label);
    for (const auto& [key, value] : params) text += fmt::format("/{}:{}", key, value);
    return text;
  }
};

/// Both of Google Benchmark's clocks run inside the window only, whoever's thread its ends are on.
class TimedWindow {
 public:
  explicit TimedWindow(benchmark::State& state) : state_{state} { state_.PauseTiming(); }
  void open() {
    state_.ResumeTiming();
    began_ = Clock::now();
  }
  void close() {
    took_ = Clock::now() - began_;
    state_.PauseTiming();
  }
  void report() {
    state_.SetIterationTime(took_.count());
    state_.ResumeTiming();
  }

 private:
  benchmark::State& state_;
  Clock::time_point began_;
  std::chrono::duration<double> took_{};
};

InProcessReport run_once(const MicroCase& one, std::uint64_t operations, TimedWindow& window) {
  take_place(one.cpus, one.spread);
  return make_engine(one.entry.impl)
      ->run_in_process({.workload = one.workload,
                        .params = one.params,
                        .operations = operations,
                        .backend = one.entry.backend,
                        .locking = one.entry.locking,
                        .ablation = one.entry.ablation,
                        .workers = one.entry.workers,
                        .on_window_open = [&] { window.open(); },
                        .on_window_close = [&] { window.close(); },
                        .on_foreign_thread = foreign_place(one.cpus, one.spread)});
}

/// One call does all iterations. -> why it was wrong; empty if it wasn't
std::string measure_case(benchmark::State& state, const MicroCase& one) {
  const auto operations = static_cast<std::uint64_t>(state.max_iterations);
  while (state.KeepRunningBatch(state.max_iterations)) {
    TimedWindow window{state};
    try {
      const InProcessReport report = run_once(one, operations, window);
      if (report.errors != 0 || report.operations != operations)
        return fmt::format("{} of {} operations right, {} errors", report.operations, operations, report.errors);
    } catch (const NotApplicable& reason) {
      state.SkipWithError(fmt::format("n/a: {}", reason.what()).c_str());
      return {};
    } catch (const std::exception& error) {
      return error.what();
    }
    window.report();
  }
  state.counters["verified"] = 1;
  return {};
}

void add_benchmark(const MicroCase& one, bool& failed) {
  benchmark::RegisterBenchmark(one.name().c_str(),
                               [one, &failed](benchmark::State& state) {
                                 const std::string wrong = measure_case(state, one);
                                 if (wrong.empty()) return;
                                 failed = true;
                                 state.SkipWithError(wrong.c_str());
                               })
      ->MeasureProcessCPUTime()
      ->UseManualTime();
}

std::vector<const InProcessWorkload*> choose_workloads(const std::string& wanted) {
  std::vector<const InProcessWorkload*> chosen;
  std::vector<std::string> names;
  try {
    const std::regex pattern{wanted};
    for (const InProcessWorkload& workload : in_process_workloads()) {
      names.emplace_back(workload.name);
      if (std::regex_search(names.back(), pattern)) chosen.push_back(&workload);
    }
  } catch (const std::regex_error& error) {
    throw UsageError(fmt::format("--workload='{}' is no regular expression: {}", wanted, error.what()));
  }
  if (chosen.empty()) throw UsageError(measure::unknown_choice("workload", wanted, names));
  return chosen;
}

/// The runtime's threads on the first CPU, the workload's own on the second: as in `bench run`.
std::vector<int> choose_cpus() {
  std::vector<int> cpus = measure::allowed_cpus();
  if (cpus.size() > 2) cpus.resize(2);
  return cpus;
}

void initialise(const std::vector<std::string>& flags) {
  static std::vector<std::string> words;  // Google Benchmark keeps a pointer to the program's name
  words = {"bench micro"};
  words.insert(words.end(), flags.begin(), flags.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  int argc = static_cast<int>(argv.size());
  benchmark::Initialize(&argc, argv.data());
  if (argc > 1) throw UsageError(fmt::format("Google Benchmark doesn't know {}; `bench micro --help` names its flags", argv[1]));
}

}  // namespace

void add_micro(CLI::App& app, MicroOptions& options) {
  CLI::App& verb = *app.add_subcommand("micro", "the workloads inside one process, under Google Benchmark");
  verb.add_option("--impl", options.impls, "names from `bench list`, separated by commas, all or everything")->delimiter(',');
  verb.add_option("--workload", options.workload, "regular expression on the workload's name");
  verb.add_option("--backend", options.backend, "epoll, uring_poll, uring or auto (default: each implementation's own)");
  verb.add_option("--locking", options.locking, "of the shared homes (default with all: each one)");
  verb.add_option("--workers", options.workers, "worker threads of each runtime");
  std::string workloads;
  for (const InProcessWorkload& workload : in_process_workloads())
    workloads += fmt::format("  {:<26}  {}\n", workload.name, workload.summary);
  verb.footer("\nWorkloads:\n" + workloads + R"(
Time is the window's wall clock, CPU that of the whole process in the window, both per operation; set-up and clean-up
are in neither. Where tasks wait (timer_fire) only CPU means something. The runtime's threads are pinned to the first
CPU that this process may use, the workload's own to the second, unless several threads run tasks: those share both. All samples come from one process, so its memory
layout is in all of them: for a verdict use `bench run`.

Every flag that begins with --benchmark_ goes to Google Benchmark as it is, for example
  --benchmark_filter=REGEX               on the names that are printed
  --benchmark_list_tests=true            only prints the names
  --benchmark_min_time=SECONDS           of each benchmark (default 0.5)
  --benchmark_repetitions=N              with mean, median and deviation
  --benchmark_format=console|json|csv    of standard output
  --benchmark_out=FILE                   JSON for Google Benchmark's compare.py:
      bench micro --impl=all --benchmark_repetitions=9 --benchmark_out=x.json
      compare.py filters x.json /thread_local /arc_mutex/)");
}

std::vector<std::string> take_benchmark_flags(std::vector<std::string>& words) {
  std::vector<std::string> flags;
  std::copy_if(words.begin(), words.end(), std::back_inserter(flags),
               [](const std::string& word) { return word.starts_with(kFlagPrefix); });
  std::erase_if(words, [](const std::string& word) { return word.starts_with(kFlagPrefix); });
  return flags;
}

int micro_verb(const MicroOptions& options) {
  const EntryChoice choice = choose_entries(
      impls(), {.impls = options.impls, .backend = options.backend, .locking = options.locking, .workers = options.workers});
  const auto workloads = choose_workloads(options.workload);
  for (const std::string& note : choice.notes) fmt::print(stderr, "bench: {}\n", note);
  initialise(options.benchmark_flags);
  const std::vector<int> cpus = choose_cpus();
  const measure::SleepingThread asleep;

  bool failed = false;
  for (const InProcessWorkload* workload : workloads)
    for (const Params& params : workload->cells)
      for (const Entry& entry : choice.entries)
        add_benchmark({entry, std::string{workload->name}, params, cpus, workload->spread}, failed);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  benchmark::ClearRegisteredBenchmarks();
  return failed ? kExitFailure : kExitOk;
}

}  // namespace reactorlab::bench
