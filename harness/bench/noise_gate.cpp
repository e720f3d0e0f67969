#include "harness/bench/noise_gate.hpp"

#include "harness/measure/statistics.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

using nlohmann::json;
using Findings = std::vector<NoiseFinding>;

constexpr std::uint64_t kTickNs = 10'000'000;

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::uint64_t cpu_time(const NoiseReading& noise) { return noise.elapsed_ns * noise.cpus; }

std::string percent(std::string_view what, double value, double limit, std::string_view of = "") {
  return fmt::format("{} {:.1f} %{} (at most {:.1f} %)", what, value * 100, of, limit * 100);
}

/// Of the window. Nothing for a sample without numbers, and where the account of a thread that ended meanwhile went backwards.
std::optional<double> run_delay(const Sample& sample) {
  constexpr double kImpossible = 1000;
  if (sample.is_void() || !sample.applicable() || sample.wall_ns == 0) return std::nullopt;
  const double delay = share(sample.server_run_delay_ns, sample.wall_ns);
  return delay < kImpossible ? std::optional(delay) : std::nullopt;
}

std::optional<double> pressure(const Sample& sample) {
  if (!sample.noise || !sample.noise->pressure_ns || sample.noise->elapsed_ns == 0) return std::nullopt;
  return share(*sample.noise->pressure_ns, sample.noise->elapsed_ns);
}

/// Elsewhere the workload's own threads wait for each other, now longer and now shorter, and that is what it measures.
bool has_its_cpus_alone(const Cell& cell) {
  return !is_workload(cell.workload) || workload_of(cell.workload).topology == Topology::T1;
}

/// What is usual for the row of each sample, in the samples' order; nothing where nobody of the row has the figure.
std::vector<std::optional<double>> row_medians(const std::vector<Sample>& samples,
                                               const std::function<std::optional<double>(const Sample&)>& figure) {
  using Row = std::tuple<Cell, std::string, std::string, std::string, unsigned>;
  const auto row_of = [](const Sample& s) { return Row{s.cell, s.impl, s.backend, s.locking, s.workers}; };
  std::map<Row, std::vector<double>> values;
  for (const Sample& sample : samples)
    if (const auto value = figure(sample)) values[row_of(sample)].push_back(*value);
  std::vector<std::optional<double>> medians;
  for (const Sample& sample : samples) {
    const auto found = values.find(row_of(sample));
    medians.push_back(found == values.end() ? std::nullopt : std::optional(measure::median(found->second)));
  }
  return medians;
}

/// How fast each CPU usually does the canary's work.
std::map<std::string, double> canary_medians(const std::vector<Sample>& samples) {
  std::map<std::string, std::vector<double>> values;
  for (const Sample& sample : samples)
    if (sample.noise)
      for (const auto& [cpu, canary] : sample.noise->canary) values[cpu].push_back(static_cast<double>(canary.fastest_ns));
  std::map<std::string, double> medians;
  for (auto& [cpu, all] : values) medians[cpu] = measure::median(std::move(all));
  return medians;
}

void judge_account(const NoiseReading& noise, Findings& findings) {
  using namespace noise_limits;
  if (noise.steal_ns && *noise.steal_ns >= kStealTicks * kTickNs && share(*noise.steal_ns, cpu_time(noise)) > kSteal)
    findings.push_back({"steal", percent("the hypervisor took", share(*noise.steal_ns, cpu_time(noise)), kSteal, " of the CPUs")});
  if (noise.others_cpu_ns && share(*noise.others_cpu_ns, cpu_time(noise)) > kOthers)
    findings.push_back(
        {"others", percent("other processes had", share(*noise.others_cpu_ns, cpu_time(noise)), kOthers, " of the CPUs")});
}

void judge_canary(const NoiseReading& noise, const std::map<std::string, double>& usual, Findings& findings) {
  using namespace noise_limits;
  for (const auto& [cpu, canary] : noise.canary) {
    const double slower = static_cast<double>(canary.fastest_ns) / usual.at(cpu) - 1;
    if (slower > kCanarySlower)
      findings.push_back({"canary", percent(fmt::format("CPU {} was slower than usual by", cpu), slower, kCanarySlower)});
  }
}

std::vector<std::string> gates_without_readings(const std::vector<Sample>& samples) {
  std::set<std::string> reasons;
  for (const Sample& sample : samples)
    if (sample.noise)
      for (const auto& [gate, reason] : sample.noise->unread) reasons.insert(fmt::format("{}: {}", gate, reason));
  if (std::none_of(samples.begin(), samples.end(), [](const Sample& sample) { return sample.noise.has_value(); }))
    reasons.insert("all: the run is older than the noise gate");
  return {reasons.begin(), reasons.end()};
}

using Place = std::pair<Cell, std::size_t>;

}  // namespace

std::vector<Findings> noise_findings(const std::vector<Sample>& samples) {
  using namespace noise_limits;
  const auto usual_delay = row_medians(samples, run_delay);
  const auto usual_pressure = row_medians(samples, pressure);
  const auto usual_canary = canary_medians(samples);
  std::vector<Findings> all(samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (!samples[i].noise) continue;  // an older run: its rounds were never judged
    judge_account(*samples[i].noise, all[i]);
    judge_canary(*samples[i].noise, usual_canary, all[i]);
    if (!has_its_cpus_alone(samples[i].cell)) continue;
    if (const auto delay = run_delay(samples[i]); delay && *usual_delay[i] <= kAlone && *delay > kRunDelay)
      all[i].push_back({"run_delay", percent("the server waited for its CPU", *delay, kRunDelay, " of the window")});
    if (const auto waited = pressure(samples[i]); waited && *waited > *usual_pressure[i] + kPressure)
      all[i].push_back({"pressure", percent("tasks waited for a CPU", *waited, *usual_pressure[i] + kPressure, " of the time")});
  }
  return all;
}

NoiseReport noise_report(const std::vector<Sample>& samples) {
  NoiseReport report;
  const auto findings = noise_findings(samples);
  std::set<Place> rounds;
  std::map<Place, std::vector<std::string>> noisy;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (!samples[i].applicable()) continue;  // nothing was measured, so nothing can be spoilt
    const Place place{samples[i].cell, samples[i].round};
    rounds.insert(place);
    for (const NoiseFinding& finding : findings[i]) noisy[place].push_back(fmt::format("{}: {}", samples[i].impl, finding.text));
  }
  report.rounds = rounds.size();
  for (auto& [place, reasons] : noisy) report.excluded.push_back({place.first, place.second, std::move(reasons)});
  report.unread = gates_without_readings(samples);
  return report;
}

NoiseReport exclude_noisy_rounds(std::vector<Sample>& samples) {
  NoiseReport report = noise_report(samples);
  std::set<Place> noisy;
  for (const NoisyRound& one : report.excluded) noisy.insert({one.cell, one.round});
  for (Sample& sample : samples) sample.excluded = noisy.contains({sample.cell, sample.round});
  return report;
}

json to_json(const NoiseReport& report) {
  using namespace noise_limits;
  json excluded = json::array();
  for (const NoisyRound& one : report.excluded)
    excluded.push_back(
        {{"workload", one.cell.workload}, {"params", one.cell.params}, {"round", one.round}, {"reasons", one.reasons}});
  return {{"rounds", report.rounds},
          {"excluded", excluded},
          {"unread", report.unread},
          {"limits",
           {{"steal", kSteal},
            {"steal_ticks", kStealTicks},
            {"others", kOthers},
            {"run_delay", kRunDelay},
            {"alone", kAlone},
            {"pressure", kPressure},
            {"canary_slower", kCanarySlower}}}};
}

std::string text_of(const NoiseReport& report) {
  std::string text = fmt::format("\nNoise gate: {} of {} rounds excluded, each for all entries of its cell\n",
                                 report.excluded.size(), report.rounds);
  std::map<Cell, std::vector<const NoisyRound*>> cells;
  for (const NoisyRound& one : report.excluded) cells[one.cell].push_back(&one);
  for (const auto& [cell, rounds] : cells)
    text += fmt::format("  {}: {} round{}, as round {} ({})\n", describe(cell), rounds.size(), rounds.size() == 1 ? "" : "s",
                        rounds.front()->round, rounds.front()->reasons.front());
  for (const std::string& reason : report.unread) text += fmt::format("  n/a: {}\n", reason);
  return text;
}

}  // namespace reactorlab::bench
