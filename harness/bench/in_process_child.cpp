#include "harness/bench/in_process_child.hpp"

#include "harness/bench/sample_threads.hpp"
#include "harness/bench/usage.hpp"
#include "harness/measure/histogram.hpp"
#include "harness/measure/process_cpu.hpp"
#include "harness/measure/process_setup.hpp"
#include "harness/measure/sleeping_thread.hpp"
#include "harness/measure/thread_counts.hpp"
#include "harness/scenarios/spin.hpp"

#include <charconv>
#include <csignal>
#include <ctime>
#include <map>
#include <vector>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

namespace reactorlab::bench {
namespace {

using nlohmann::json;

/// A parent that is killed takes the child along.
void end_with_parent() {
  const pid_t parent = ::getppid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::raise(SIGKILL);  // it ended before the line above
}

std::uint64_t nanoseconds_on(clockid_t clock) noexcept {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

/// What passes between the window's ends, on whatever thread they come.
struct Window {
  std::uint64_t wall_ns = 0, cpu_ns = 0, run_delay_ns = 0;
  std::vector<measure::ThreadCounts> threads;

  void open() {
    threads_before_ = measure::read_thread_counts(::getpid());
    run_delay_ns = run_delay();
    cpu_ns = nanoseconds_on(CLOCK_PROCESS_CPUTIME_ID);
    wall_ns = nanoseconds_on(CLOCK_MONOTONIC);
  }
  void close() {
    wall_ns = nanoseconds_on(CLOCK_MONOTONIC) - wall_ns;
    cpu_ns = nanoseconds_on(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
    run_delay_ns = run_delay() - run_delay_ns;
    threads = measure::between(threads_before_, measure::read_thread_counts(::getpid()));
  }

 private:
  std::map<pid_t, measure::ThreadCounts> threads_before_;

  static std::uint64_t run_delay() { return measure::read_process_cpu(::getpid()).value_or(measure::ProcessCpu{}).run_delay_ns; }
};

json percentiles_of(const measure::Histogram& latency) {
  json percentiles = {{"max_ns", latency.max()}};
  for (const auto& [name, fraction] : {std::pair{"p50_ns", 0.50}, {"p90_ns", 0.90}, {"p99_ns", 0.99}, {"p999_ns", 0.999}})
    if (const auto value = latency.supported_percentile(fraction)) percentiles[name] = *value;
  return percentiles;
}

json run_here(const InProcessChildOptions& options) {
  Window window;
  measure::Histogram latency;
  const InProcessRequest request = {.workload = options.workload,
                                    .params = params_from_words(options.params),
                                    .operations = options.operations,
                                    .backend = options.entry.backend,
                                    .locking = options.entry.locking,
                                    .ablation = options.entry.ablation,
                                    .workers = options.entry.workers,
                                    .on_window_open = [&] { window.open(); },
                                    .on_window_close =
                                        [&] {
                                          scenarios::spin(options.spin);
                                          window.close();
                                        },
                                    .on_latency = [&](std::uint64_t ns) { latency.record(ns); },
                                    .on_foreign_thread = foreign_place(options.cpus, options.spread)};
  const InProcessReport report = make_engine(options.entry.impl)->run_in_process(request);
  json result = percentiles_of(latency);
  result.update({{"operations", report.operations},
                 {"errors", report.errors},
                 {"wall_ns", window.wall_ns},
                 {"cpu_ns", window.cpu_ns},
                 {"run_delay_ns", window.run_delay_ns},
                 {"threads", to_json(window.threads)},
                 {"counters", report.counters}});
  if (options.spin != 0) result["counters"]["spin_iterations"] = options.spin;
  return result;
}

}  // namespace

void take_place(const std::vector<int>& cpus, bool spread) {
  if (!cpus.empty()) measure::pin_this_thread(spread ? cpus : std::vector{cpus.front()});
}

std::function<void()> foreign_place(const std::vector<int>& cpus, bool spread) {
  if (cpus.empty()) return {};
  if (spread) return [] {};  // where whoever started it is
  return [cpu = cpus.back()] { measure::pin_this_thread({cpu}); };
}

void add_in_process_child(CLI::App& app, InProcessChildOptions& options) {
  CLI::App& verb = *app.add_subcommand(kInProcessVerb, "one sample of a workload inside this process, as JSON");
  verb.group("");  // not for users: `bench run` and `bench micro` are
  verb.add_option("--impl", options.entry.impl)->required();
  verb.add_option("--backend", options.entry.backend);
  verb.add_option("--locking", options.entry.locking);
  verb.add_option("--ablation", options.entry.ablation);
  verb.add_option("--workers", options.entry.workers);
  verb.add_option("--workload", options.workload)->required();
  verb.add_option("--params", options.params)->delimiter(',');
  verb.add_option("--operations", options.operations)->required();
  verb.add_option("--spin", options.spin);
  verb.add_option("--cpus", options.cpus)->delimiter(',');
  verb.add_flag("--spread", options.spread);
}

std::vector<std::string> words_of(const InProcessChildOptions& options) {
  const Entry& entry = options.entry;
  std::vector<std::string> words = {kInProcessVerb, "--impl=" + entry.impl, fmt::format("--workers={}", entry.workers),
                                    "--workload=" + options.workload, fmt::format("--operations={}", options.operations)};
  if (!entry.backend.empty()) words.push_back("--backend=" + entry.backend);
  if (!entry.locking.empty()) words.push_back("--locking=" + entry.locking);
  if (!entry.ablation.empty()) words.push_back("--ablation=" + entry.ablation);
  if (options.spin != 0) words.push_back(fmt::format("--spin={}", options.spin));
  if (!options.params.empty()) words.push_back(fmt::format("--params={}", fmt::join(options.params, ",")));
  if (!options.cpus.empty()) words.push_back(fmt::format("--cpus={}", fmt::join(options.cpus, ",")));
  if (options.spread) words.emplace_back("--spread");
  return words;
}

std::vector<std::string> params_to_words(const Params& params) {
  std::vector<std::string> words;
  for (const auto& [name, value] : params) words.push_back(fmt::format("{}={}", name, value));
  return words;
}

Params params_from_words(const std::vector<std::string>& words) {
  Params params;
  for (const std::string& word : words) {
    const auto equals = word.find('=');
    std::uint64_t value = 0;
    const char* const end = word.data() + word.size();
    if (equals == std::string::npos || equals == 0 || std::from_chars(word.data() + equals + 1, end, value).ptr != end ||
        equals + 1 == word.size())
      throw UsageError(fmt::format("--params={}: write NAME=NUMBER, for example tasks=64", word));
    params[word.substr(0, equals)] = value;
  }
  return params;
}

int in_process_child_verb(const InProcessChildOptions& options) {
  end_with_parent();
  take_place(options.cpus, options.spread);
  const measure::SleepingThread asleep;
  json result;
  try {
    result = run_here(options);
  } catch (const NotApplicable& reason) {
    result = {{"not_applicable", reason.what()}};
  }
  fmt::print("{}\n", result.dump());
  return kExitOk;
}

}  // namespace reactorlab::bench
