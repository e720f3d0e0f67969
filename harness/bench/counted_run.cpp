#include "harness/bench/counted_run.hpp"

#include "harness/bench/in_process_child.hpp"
#include "harness/bench/in_process_sample.hpp"
#include "harness/bench/in_process_spawn.hpp"
#include "harness/bench/server_process.hpp"
#include "harness/load/endpoint.hpp"
#include "harness/load/lockstep.hpp"
#include "harness/measure/callgrind.hpp"
#include "harness/measure/kernel_counts.hpp"
#include "harness/measure/process_setup.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <stdexcept>

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

namespace reactorlab::bench {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kReadyLimit = 60s;  // valgrind takes its time
constexpr auto kStopLimit = 60s;
constexpr std::uint64_t kTurns = 100;

/// While it lives, this thread and what it starts run on one CPU and don't preempt each other on a wake: a server then always finds
/// the whole turn of a lockstep ready, and its counts don't depend on who was faster.
class OneCpu {
 public:
  explicit OneCpu(std::optional<int> cpu) : previous_(measure::allowed_cpus()) {
    if (cpu) measure::pin_this_thread({*cpu});
    const sched_param none{};
    ::sched_setscheduler(0, SCHED_BATCH, &none);
  }
  ~OneCpu() {
    const sched_param none{};
    ::sched_setscheduler(0, SCHED_OTHER, &none);
    measure::pin_this_thread(previous_);
  }
  OneCpu(const OneCpu&) = delete;
  OneCpu& operator=(const OneCpu&) = delete;

 private:
  const std::vector<int> previous_;
};

/// A file that disappears again.
class ScratchFile {
 public:
  ScratchFile() : path_(std::filesystem::temp_directory_path() / fmt::format("reactorlab-callgrind-{}", ::getpid())) {}
  ~ScratchFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

void add_counters(Totals& totals, const json& counters) {
  for (const auto& [name, value] : counters.items())
    if (value.is_number_unsigned()) totals[name] = value;
}

void add_switches(Totals& totals, const rusage& usage) {
  totals["voluntary_switches"] = static_cast<std::uint64_t>(usage.ru_nvcsw);
  totals["involuntary_switches"] = static_cast<std::uint64_t>(usage.ru_nivcsw);
}

/// Runs so many operations and returns what the process itself and wait4 say of them.
class Runner {
 public:
  Runner(const Entry& entry, const Cell& cell, const CountSettings& settings)
      : entry_(entry), cell_(cell), settings_(settings), executable_(std::filesystem::read_symlink("/proc/self/exe")) {
    if (settings.executable != "/proc/self/exe") executable_ = settings.executable;
  }

  [[nodiscard]] bool in_process() const { return workload_of(cell_.workload).in_process; }

  /// N: of a workload inside the process a fraction of a timed sample, else whole turns.
  [[nodiscard]] std::uint64_t operations() const {
    if (!in_process()) return kTurns * cell_.params.at("conns");
    const std::uint64_t timed = find_in_process_workload(cell_.workload)->operations;
    return std::max(timed / settings_.shortening, std::min<std::uint64_t>(timed, 64));
  }

  [[nodiscard]] Totals run(std::uint64_t operations, const std::vector<std::string>& under) const {
    return in_process() ? run_inside(operations, under) : run_served(operations, under);
  }

 private:
  [[nodiscard]] Totals run_served(std::uint64_t operations, const std::vector<std::string>& under) const {
    const OneCpu one_cpu(settings_.server_cpu);
    const std::uint64_t conns = cell_.params.at("conns");
    ServerProcess server({.entry = entry_, .cpu = settings_.server_cpu, .executable = executable_, .under = under});
    load::Lockstep lockstep({.endpoint = load::loopback_endpoint(server.wait_ready(kReadyLimit)),
                             .conns = conns,
                             .payload = cell_.params.at("payload")});
    lockstep.play(operations / conns);
    const ServerEnd end = server.stop(kStopLimit);
    Totals totals;
    if (end.report.is_object() && end.report.contains("counters")) add_counters(totals, end.report.at("counters"));
    add_switches(totals, end.usage);
    return totals;
  }

  [[nodiscard]] Totals run_inside(std::uint64_t operations, const std::vector<std::string>& under) const {
    const InProcessWorkload& workload = *find_in_process_workload(cell_.workload);
    const InProcessChildOptions options = {.entry = entry_,
                                           .workload = cell_.workload,
                                           .params = params_to_words(cell_.params),
                                           .operations = operations,
                                           .cpus = cpus_for(workload, settings_.server_cpu, settings_.load_cpu)};
    const ChildEnd end = run_child({.words = words_of(options), .executable = executable_, .under = under, .limit = 5min});
    const json result = json::parse(end.output);
    if (result.contains("not_applicable")) throw NotApplicable(result.at("not_applicable").get<std::string>());
    if (result.at("errors") != 0 || result.at("operations") != operations)
      throw std::runtime_error(
          fmt::format("{} of {} operations went right", result.at("operations").get<std::uint64_t>(), operations));
    Totals totals;
    add_counters(totals, result.at("counters"));
    add_switches(totals, end.usage);
    return totals;
  }

  const Entry& entry_;
  const Cell& cell_;
  const CountSettings& settings_;
  std::string executable_;
};

Totals counted(const Runner& runner, std::uint64_t operations, bool kernel) {
  if (!kernel) return runner.run(operations, {});
  const measure::KernelCounts counts;
  Totals totals = runner.run(operations, {});
  totals.merge(counts.read());
  return totals;
}

std::uint64_t instructions_of(const Runner& runner, std::uint64_t operations) {
  const ScratchFile file;
  (void)runner.run(operations, measure::callgrind_words(file.path()));
  return measure::callgrind_instructions(file.path());
}

void count_instructions(CountColumn& column, const Runner& runner) {
  column.counts["instructions"];
  if (const auto reason = measure::obstacle_to_callgrind()) {
    column.reasons["instructions"] = *reason;
    return;
  }
  try {
    const std::uint64_t n = runner.operations();
    const auto each = per_operation({{"", instructions_of(runner, n)}}, {{"", instructions_of(runner, 2 * n)}}, n).at("");
    column.counts["instructions"] = CountRange{each, each, each};
  } catch (const std::exception& error) {
    column.reasons["instructions"] = fmt::format("under callgrind: {}", error.what());
  }
}

void count(CountColumn& column, const Runner& runner, const CountSettings& settings) {
  const std::uint64_t n = runner.operations();
  std::vector<std::map<std::string, double>> repetitions;
  for (std::size_t i = 0; i < settings.repetitions; ++i) {
    const Totals fewer = counted(runner, n, !settings.no_kernel_counts);
    repetitions.push_back(per_operation(fewer, counted(runner, 2 * n, !settings.no_kernel_counts), n));
  }
  column.counts = ranges_of(repetitions);
  if (settings.no_kernel_counts) {
    column.counts["syscalls"];
    column.reasons["syscalls"] = *settings.no_kernel_counts;
  }
  if (settings.instructions) count_instructions(column, runner);
}

}  // namespace

bool can_be_counted(const Cell& cell) {
  if (workload_of(cell.workload).in_process) return true;
  const auto pipeline = cell.params.find("pipeline");
  return cell.workload == "tcp_echo" && (pipeline == cell.params.end() || pipeline->second == 1);
}

CountColumn count_operations(const Entry& entry, const Cell& cell, const CountSettings& settings) {
  CountColumn column{.entry = entry.label, .counts = {}};
  if (entry.external != nullptr && workload_of(cell.workload).in_process) {
    column.not_counted = "an engine of another language only serves: nothing inside its process can be asked";
    return column;
  }
  try {
    count(column, Runner(entry, cell, settings), settings);
  } catch (const std::exception& error) {
    column.counts.clear();
    column.not_counted = error.what();
  }
  return column;
}

}  // namespace reactorlab::bench
