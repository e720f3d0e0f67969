#include "harness/bench/sample_threads.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

void add(Sample& sample, const measure::ThreadCounts& counts, const std::string& suffix) {
  const auto per_operation = [&](std::uint64_t count) { return static_cast<double>(count) / static_cast<double>(sample.ops); };
  sample.counts["voluntary_switches" + suffix] = per_operation(counts.voluntary_switches);
  sample.counts["involuntary_switches" + suffix] = per_operation(counts.involuntary_switches);
  sample.counts["run_delay_ns" + suffix] = per_operation(counts.run_delay_ns);
}

/// Of what all threads were on a CPU; nothing where none was, or the kernel doesn't say.
std::optional<double> busiest_share(const std::vector<measure::ThreadCounts>& threads) {
  std::uint64_t most = 0;
  for (const measure::ThreadCounts& one : threads) most = std::max(most, one.run_ns);
  if (most == 0) return std::nullopt;
  return static_cast<double>(most) / static_cast<double>(measure::sum_of(threads).run_ns);
}

}  // namespace

void add_thread_counts(Sample& sample, const std::vector<measure::ThreadCounts>& threads) {
  add(sample, measure::sum_of(threads), "");
  if (threads.size() > 1) sample.counts["busiest_thread_share"] = busiest_share(threads);
  std::vector<measure::ThreadCounts> awake = threads;
  std::erase(awake, measure::ThreadCounts{});  // measure::SleepingThread, and whoever else had nothing to do
  for (std::size_t i = 0; awake.size() > 1 && i < awake.size(); ++i) add(sample, awake[i], fmt::format(".{}", i));
}

nlohmann::json to_json(const std::vector<measure::ThreadCounts>& threads) {
  nlohmann::json all = nlohmann::json::array();
  for (const measure::ThreadCounts& one : threads)
    all.push_back({one.voluntary_switches, one.involuntary_switches, one.run_delay_ns, one.run_ns});
  return all;
}

std::vector<measure::ThreadCounts> thread_counts_from_json(const nlohmann::json& json) {
  std::vector<measure::ThreadCounts> threads;
  for (const nlohmann::json& one : json) threads.push_back({one.at(0), one.at(1), one.at(2), one.at(3)});
  return threads;
}

}  // namespace reactorlab::bench
