#include "harness/bench/calibrate_verb.hpp"

#include "harness/bench/interrupt.hpp"
#include "harness/bench/progress.hpp"
#include "harness/bench/usage.hpp"
#include "harness/measure/host_facts.hpp"
#include "harness/measure/process_setup.hpp"
#include "harness/measure/sleeping_thread.hpp"
#include "harness/primitives/measure_primitives.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

namespace reactorlab::bench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using primitives::Primitive;

constexpr std::size_t kRounds = 5;

/// Found out before anything is measured.
void require_writable(const CalibrateOptions& options) {
  const fs::path file = options.out;
  if (fs::is_directory(file)) throw UsageError(fmt::format("--out={} is a folder: name a file in it", options.out));
  if (!options.force && fs::exists(file))
    throw UsageError(
        fmt::format("--out={}: there is such a file already. Choose another, or replace it with --force", options.out));
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  if (::access(folder.c_str(), W_OK | X_OK) != 0)
    throw std::runtime_error(fmt::format("cannot write {}: {}: {}. Choose another with --out=FILE", options.out, folder.string(),
                                         std::system_category().message(errno)));
}

/// Whoever looks finds the old file or the new one.
void write_whole(const fs::path& file, const json& content) {
  const fs::path temporary = file.string() + ".tmp";
  std::ofstream out(temporary);
  out << content.dump(1) << "\n";
  out.close();
  std::error_code error;
  if (out) fs::rename(temporary, file, error);
  if (out && !error) return;
  std::error_code ignored;
  fs::remove(temporary, ignored);
  throw std::runtime_error(fmt::format("cannot write {}: {}. Choose another with --out=FILE", file.string(),
                                       error ? error.message() : "writing failed"));
}

primitives::Cpus choose_cpus() {
  const std::vector<int> allowed = measure::allowed_cpus();
  if (allowed.empty()) throw std::runtime_error("cannot read which CPUs this process may use: is /proc there?");
  return {.own = allowed.front(), .other = allowed.size() > 1 ? std::optional(allowed[1]) : std::nullopt};
}

/// Nothing if it was interrupted.
std::optional<std::vector<Primitive>> measure_with_progress(const CalibrateOptions& options, const primitives::Cpus& cpus) {
  const InterruptFlag interruptible;
  const auto& wanted = primitives::catalogue();
  const std::chrono::duration<double> each(options.seconds);
  const auto turn = std::chrono::duration_cast<std::chrono::milliseconds>(each / kRounds);
  Progress progress(wanted.size() * kRounds, turn * static_cast<long>(wanted.size() * kRounds));
  const bool long_enough = each * static_cast<double>(wanted.size()) > std::chrono::seconds(2);
  primitives::MeasureSettings settings = {
      .cpus = cpus, .time_each = each, .rounds = kRounds, .cancel = &InterruptFlag::raised(), .starts = {}, .done = {}};
  if (long_enough) {
    settings.starts = [&](std::string_view name, std::size_t round) { progress.starts(std::string(name), round, kRounds); };
    settings.done = [&] { progress.done(turn); };
  }
  auto measured = primitives::measure_all(wanted, settings);
  if (long_enough) progress.finish();
  return measured;
}

std::string ns_text(const std::optional<double>& ns) { return ns ? fmt::format("{:.1f}", *ns) : ""; }

void print_table(const std::vector<Primitive>& all) {
  fmt::print("{:<22} {:>10} {:>10} {:>10} {:>11}  {}\n", "primitive (ns)", "median", "p99", "CPU", "repetitions", "what is timed");
  for (const Primitive& one : all) {
    if (one.measured())
      fmt::print("{:<22} {:>10.1f} {:>10} {:>10} {:>11}  {}\n", one.name, one.median_ns, ns_text(one.p99_ns), ns_text(one.cpu_ns),
                 one.operations, one.summary);
    else
      fmt::print("{:<22} {:>10} {:>10} {:>10} {:>11}  {}\n", one.name, "n/a", "", "", "", one.not_measured);
  }
  fmt::print(
      "\nMedian and p99 of batches, each the mean of its repetitions. CPU: of all threads that take part, where that isn't the "
      "time that "
      "passes.\n");
}

}  // namespace

void add_calibrate(CLI::App& app, CalibrateOptions& options) {
  CLI::App& verb = *app.add_subcommand("calibrate", "what this machine's primitives cost: system calls, wakes, switches, locks");
  verb.add_option("--out", options.out, "file of the results (default: primitives.json)")->type_name("FILE");
  verb.add_option("--seconds", options.seconds, "for each primitive (default 0.2)")->check(CLI::Range(0.0001, 60.0));
  verb.add_flag("--force", options.force, "replace the file if it is there");
  verb.footer(R"(
Threads are pinned to the first two CPUs that this process may use. What a machine hasn't got (io_uring, a second CPU) is n/a with the
reason, never 0. The file holds the machine's facts too; docs/METHODOLOGY.md describes it, and `bench explain --primitives=FILE` multiplies
its costs with a workload's counts. Run nothing else meanwhile.

Ctrl-C writes nothing.

Exit status: 0 measured, 1 the file can't be written, 2 usage, 130 interrupted)");
}

int calibrate_verb(const CalibrateOptions& options) {
  require_writable(options);
  const primitives::Cpus cpus = choose_cpus();
  const measure::SleepingThread asleep;
  const json noise = measure::noise_facts();
  const std::string started = measure::utc_now();
  auto measured = measure_with_progress(options, cpus);
  if (!measured) {
    fmt::print(stderr, "bench: interrupted: nothing was written\n");
    return kExitInterrupted;
  }
  json file = to_json(
      primitives::PrimitiveTable{.machine = measure::machine_facts(), .measured_at = started, .primitives = std::move(*measured)});
  file["noise_at_start"] = noise;
  file["build"] = measure::build_facts();
  file["cpus"] = {{"own", cpus.own}, {"other", cpus.other ? json(*cpus.other) : json(nullptr)}};
  file["seconds_each"] = options.seconds;
  file["rounds"] = kRounds;
  write_whole(options.out, file);
  print_table(primitives::table_from_json(file, options.out).primitives);
  fmt::print("Written to {}\n", options.out);
  return kExitOk;
}

}  // namespace reactorlab::bench
