#include "harness/bench/counts_verb.hpp"

#include "harness/bench/counted_run.hpp"
#include "harness/bench/results_folder.hpp"
#include "harness/bench/stored_run.hpp"
#include "harness/bench/tier.hpp"
#include "harness/bench/usage.hpp"
#include "harness/measure/kernel_counts.hpp"
#include "harness/measure/process_setup.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

namespace reactorlab::bench {
namespace {

/// The first cell of each workload that can be counted; of tcp_echo its usual one.
std::vector<Cell> cells_to_count(const std::string& workload) {
  Tier counted{.name = "counts", .summary = {}, .rounds = 1, .times = {}, .cells = {}};
  for (const Workload& one : workloads()) {
    const Cell cell = {std::string(one.name), one.usual.empty() ? one.cells.front() : one.usual};
    if (can_be_counted(cell)) counted.cells.push_back(cell);
  }
  return choose_cells(counted, {.workload_regex = workload});
}

std::vector<Entry> entries_to_count(const CountsOptions& options) {
  const EntryChoice choice =
      choose_entries(known_impls(options.impls, options.engines),
                     {.impls = options.impls, .backend = options.backend, .locking = options.locking, .workers = options.workers});
  for (const std::string& note : choice.notes) fmt::print(stderr, "bench: {}\n", note);
  return choice.entries;
}

CountSettings settings_of(const CountsOptions& options) {
  const auto cpus = measure::allowed_cpus();
  CountSettings settings{.no_kernel_counts = measure::KernelCounts::obstacle(), .instructions = options.instructions};
  if (!cpus.empty()) {
    settings.server_cpu = cpus.front();
    settings.load_cpu = cpus[std::min<std::size_t>(1, cpus.size() - 1)];
  }
  return settings;
}

void print(const CountTable& table) {
  fmt::print("{}", text_of(table));
  std::fflush(stdout);
}

std::vector<CountTable> count_anew(const CountsOptions& options) {
  const auto cells = cells_to_count(options.workload);
  const auto entries = entries_to_count(options);
  const CountSettings settings = settings_of(options);
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  std::vector<CountTable> tables;
  for (const Cell& cell : cells) {
    CountTable& table = tables.emplace_back(CountTable{cell, {}});
    for (const Entry& entry : entries) {
      if (terminal) fmt::print(stderr, "\r\033[Kcounting {}, {} ...", cell.workload, entry.label);
      table.columns.push_back(count_operations(entry, cell, settings));
    }
    if (terminal) fmt::print(stderr, "\r\033[K");
    print(table);
  }
  fmt::print("\nEach is the difference of runs of N and 2N operations. ~: it differed between {} repetitions; the median.\n",
             settings.repetitions);
  if (!options.instructions) fmt::print("User instructions: add --instructions (callgrind, slow). Allocations: scripts/counts\n");
  return tables;
}

std::vector<CountTable> show_stored(const CountsOptions& options) {
  const StoredRun run = load_run(options.run);
  for (const std::string& damage : run.damage) fmt::print(stderr, "bench: {}: {}; left out\n", options.run, damage);
  auto tables = stored_counts(run.samples);
  for (const CountTable& table : tables) print(table);
  fmt::print("\nMedians over the rounds of {}. ~: it differed between them.\n", options.run);
  return tables;
}

void write_json(const std::string& file, const std::vector<CountTable>& tables) {
  nlohmann::json all = nlohmann::json::array();
  for (const CountTable& table : tables) all.push_back(to_json(table));
  std::ofstream out(file);
  out << nlohmann::json{{"schema", 1}, {"cells", all}}.dump(1) << "\n";
  out.close();
  if (!out) throw std::runtime_error(fmt::format("cannot write {}: choose another --json=FILE", file));
}

}  // namespace

void add_counts(CLI::App& app, CountsOptions& options) {
  CLI::App& verb =
      *app.add_subcommand("counts", "what one operation costs in counts: system calls by name, wakes, switches, instructions");
  CLI::Option* run = verb.add_option("run", options.run, "results folder: what its samples counted, instead of counting anew");
  const auto choice = [&](CLI::Option* option) { option->excludes(run); };
  choice(verb.add_option("--impl", options.impls, "as of `bench run`")->delimiter(','));
  choice(verb.add_option("--engines", options.engines, "file of engines of other languages (default: engines/engines.jsonl)"));
  choice(verb.add_option("--workload", options.workload, "regular expression on the workload's name"));
  choice(verb.add_option("--backend", options.backend, "epoll, uring_poll, uring or auto (default: each implementation's own)"));
  choice(verb.add_option("--locking", options.locking, "of the shared homes (default with all: each one)"));
  choice(verb.add_option("--workers", options.workers, "worker threads"));
  choice(verb.add_flag("--instructions", options.instructions, "user instructions too, by callgrind"));
  verb.add_option("--json", options.json, "also write the figures to FILE")->type_name("FILE");
  verb.footer(R"(
Counts come from runs of their own, of N and of 2N operations, whose difference is what an operation costs; beginning and end cancel
out. tcp_echo is played in lockstep: every connection sends, then every echo is read, on one CPU. With one worker and no
second thread the counts are the same each time; where they aren't, ~ stands before the median.

  syscalls, syscalls.NAME    kernel tracepoints, all threads (root; `bench doctor` says whether they can be counted)
  wakeups                    threads that became runnable by what this process did, the client's too
  kernel_lock_contentions    of locks inside the kernel
  voluntary_switches, ...    wait4
  turns, kicks, polls, ...   the runtime's own statistics; peers have fewer
  instructions               user mode, by callgrind, which runs one thread at a time

  bench counts --impl=all --workload=tcp_echo --instructions
  bench counts results/2026-11-28-standard)");
}

int counts_verb(const CountsOptions& options) {
  const auto tables = options.run.empty() ? count_anew(options) : show_stored(options);
  if (!options.json.empty()) write_json(options.json, tables);
  return kExitOk;
}

}  // namespace reactorlab::bench
