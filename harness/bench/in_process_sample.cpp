#include "harness/bench/in_process_sample.hpp"

#include "harness/bench/in_process_child.hpp"
#include "harness/bench/in_process_spawn.hpp"
#include "harness/bench/sample_threads.hpp"
#include "harness/measure/process_cpu.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace reactorlab::bench {
namespace {

using nlohmann::json;

const InProcessWorkload& workload_of(const Cell& cell) {
  if (const auto* const workload = find_in_process_workload(cell.workload)) return *workload;
  throw std::runtime_error(cell.workload + " isn't a workload inside the process");
}

std::optional<std::uint64_t> number_at(const json& from, const char* key) {
  return from.contains(key) ? std::optional(from.at(key).get<std::uint64_t>()) : std::nullopt;
}

void take_numbers(Sample& sample, const json& result, bool has_latency) {
  sample.ops = result.at("operations");
  sample.errors = result.at("errors");
  sample.wall_ns = result.at("wall_ns");
  sample.server_cpu_ns = result.at("cpu_ns");
  sample.server_run_delay_ns = result.at("run_delay_ns");
  if (!has_latency) return;
  sample.p50_ns = number_at(result, "p50_ns");
  sample.p90_ns = number_at(result, "p90_ns");
  sample.p99_ns = number_at(result, "p99_ns");
  sample.p999_ns = number_at(result, "p999_ns");
  sample.max_ns = result.at("max_ns");
}

/// Of the window, per operation. Nobody counts system calls and allocations here: unknown, not 0.
void take_counts(Sample& sample, const json& result) {
  sample.counts = {{"syscalls", std::nullopt}, {"allocations", std::nullopt}};
  const auto per_operation = [&](double count) { return count / static_cast<double>(sample.ops); };
  add_thread_counts(sample, thread_counts_from_json(result.value("threads", json::array())));
  for (const auto& [name, value] : result.at("counters").items()) sample.counts[name] = per_operation(value.get<double>());
}

void judge(Sample& sample, std::uint64_t operations) {
  sample.verified = sample.errors == 0 && sample.ops == operations;
  if (sample.errors != 0)
    sample.void_reason = fmt::format("{} of {} operations went wrong", sample.errors, operations);
  else if (sample.ops != operations)
    sample.void_reason = fmt::format("{} of {} operations were done", sample.ops, operations);
  else if (sample.wall_ns == 0)
    sample.void_reason = "its window never opened and closed";
}

/// Time stolen, or spent waiting for a CPU, unless more threads than CPUs are the point. How busy the CPUs were says nothing: some
/// workloads mostly wait.
bool was_stalled(const Sample& sample, const InProcessWorkload& workload) {
  const auto tenth = sample.wall_ns / 10;
  return (!workload.spread && sample.server_run_delay_ns > tenth) || sample.steal_ns.value_or(0) > tenth;
}

void measure_child(Sample& sample, const Entry& entry, const SamplePlace& place, const SampleSettings& settings) {
  const InProcessWorkload& workload = workload_of(place.cell);
  const InProcessChildOptions options = {.entry = entry,
                                         .workload = place.cell.workload,
                                         .params = params_to_words(place.cell.params),
                                         .operations = workload.operations,
                                         .cpus = cpus_for(workload, settings.server_cpu, settings.load_cpu),
                                         .spread = workload.spread};
  const auto steal_before = measure::read_steal_ns();
  const ChildEnd end = run_child({.words = words_of(options),
                                  .environment_padding = place.seed % 4096,
                                  .executable = settings.executable,
                                  .cancel = settings.cancel});
  const auto steal_after = measure::read_steal_ns();
  if (steal_before && steal_after) sample.steal_ns = *steal_after - *steal_before;
  const json result = json::parse(end.output);
  if (result.contains("not_applicable")) {
    sample.not_applicable = result.at("not_applicable");
    return;
  }
  take_numbers(sample, result, workload.has_latency);
  judge(sample, workload.operations);
  if (!sample.sound()) return;
  take_counts(sample, result);
  sample.stalled = was_stalled(sample, workload);
}

}  // namespace

std::vector<int> cpus_for(const InProcessWorkload& workload, std::optional<int> server_cpu, std::optional<int> load_cpu) {
  std::vector<int> cpus;
  if (server_cpu) cpus.push_back(*server_cpu);
  if ((workload.foreign_threads || workload.spread) && load_cpu && load_cpu != server_cpu) cpus.push_back(*load_cpu);
  return cpus;
}

Sample run_in_process_sample(const Entry& entry, const SamplePlace& place, const SampleSettings& settings) {
  Sample sample;
  sample.impl = entry.label;
  sample.backend = entry.backend;
  sample.locking = entry.locking;
  sample.workers = entry.workers;
  sample.cell = place.cell;
  sample.round = place.round;
  sample.position = place.position;
  sample.provenance = settings.provenance;
  if (entry.external != nullptr) {
    sample.not_applicable = "an engine of another language only serves: nothing inside its process can be asked";
    return sample;
  }
  try {
    measure_child(sample, entry, place, settings);
  } catch (const std::exception& error) {
    sample.errors = std::max<std::uint64_t>(sample.errors, 1);
    sample.verified = false;
    sample.void_reason = error.what();
  }
  return sample;
}

}  // namespace reactorlab::bench
