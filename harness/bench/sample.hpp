#pragma once

#include "harness/bench/noise_reading.hpp"
#include "harness/bench/workload.hpp"
#include "harness/measure/machine_noise.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>

#include <nlohmann/json.hpp>

namespace reactorlab::bench {

/// Of samples.jsonl, summary.json and provenance.json. 2: several workloads, each with its metric; `not_applicable`; the
/// plan in provenance.json.
inline constexpr int kSchema = 2;

/// What the validity gates need to know of a load beside the sample's figures; nothing where it has no such thing.
struct LoadFacts {
  std::optional<double> mean_ns;                   ///< latency of an operation
  std::optional<double> mean_in_flight;            ///< operations, counted within the window
  std::optional<std::uint64_t> offered;            ///< operations that an open loop meant to send
  std::optional<std::uint64_t> send_lag_p99_ns;    ///< of an open loop
  std::optional<measure::TcpTrouble> tcp_trouble;  ///< of the whole machine, from the server's start to its end
};

/// What a positive control adds to an operation.
struct InjectedSpin {
  double iterations = 0;  ///< of scenarios::spin
  double ns = 0;          ///< what they cost, by the canary that calibrated them
};

/// A line of samples.jsonl: one entry, in one cell, in one round, from a process of its own. What wasn't or couldn't be
/// measured is null in JSON, never 0; a sample that is void or not applicable has no numbers at all.
struct Sample {
  std::string impl;  ///< the entry's label
  std::string backend;
  std::string locking;
  unsigned workers = 1;
  Cell cell;
  std::size_t round = 0;
  std::size_t position = 0;  ///< within the round

  std::string void_reason;     ///< what went wrong; else empty
  std::string not_applicable;  ///< why the entry has no such thing by design, which is no fault; else empty
  std::uint64_t errors = 0;
  bool verified = false;  ///< every byte came back, in order and unchanged

  std::uint64_t ops = 0;
  std::uint64_t wall_ns = 0;
  std::uint64_t server_cpu_ns = 0;
  std::uint64_t load_cpu_ns = 0;
  std::optional<std::uint64_t> p50_ns, p90_ns, p99_ns, p999_ns;  ///< null where fewer than 30 operations lie beyond
  std::uint64_t max_ns = 0;

  std::uint64_t server_run_delay_ns = 0;  ///< runnable while another had the CPU
  std::optional<std::uint64_t> steal_ns;  ///< taken by the hypervisor, all CPUs, whole sample
  bool stalled = false;                   ///< the CPUs got well below their share

  LoadFacts load;
  std::optional<NoiseReading> noise;  ///< nothing where nothing was started, and in runs that are older than it
  std::optional<InjectedSpin> spin;   ///< of a positive control
  bool excluded = false;              ///< its round doesn't count (noise_gate.hpp); follows from the samples, so isn't stored

  std::map<std::string, std::optional<double>> counts;  ///< per operation, over the server's whole life
  std::string provenance;

  [[nodiscard]] bool is_void() const { return !void_reason.empty(); }
  [[nodiscard]] bool applicable() const { return not_applicable.empty(); }
  [[nodiscard]] bool has_numbers() const { return !is_void() && applicable(); }
  /// It has numbers, and they count.
  [[nodiscard]] bool sound() const { return has_numbers() && !excluded; }
  [[nodiscard]] double cpu_ns_per_op() const { return static_cast<double>(server_cpu_ns) / static_cast<double>(ops); }
  [[nodiscard]] double ops_per_s() const { return static_cast<double>(ops) * 1e9 / static_cast<double>(wall_ns); }
};

[[nodiscard]] nlohmann::json to_json(const Sample& sample);

/// Throws nlohmann::json::exception for what is no sample.
[[nodiscard]] Sample sample_from_json(const nlohmann::json& json);

/// A line that can't be counted on; the text says what is wrong with it.
struct DamagedLine : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Reads a line of samples.jsonl. Throws DamagedLine.
[[nodiscard]] Sample sample_from_line(const std::string& line);

}  // namespace reactorlab::bench
