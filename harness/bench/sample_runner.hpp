#pragma once

#include "harness/bench/entry.hpp"
#include "harness/bench/sample.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace reactorlab::bench {

/// What all samples of a run have in common.
struct SampleSettings {
  std::chrono::milliseconds warmup;
  std::chrono::milliseconds duration;
  std::optional<int> server_cpu, load_cpu;
  std::string provenance;
  const std::atomic<bool>* cancel = nullptr;
  std::chrono::milliseconds ready_limit = std::chrono::seconds(10);  ///< for a server to start
  std::string executable = "/proc/self/exe";
};

/// Where and when in the run; `seed` decides the sample's bytes and the server's environment padding.
struct SamplePlace {
  Cell cell;
  std::size_t round;
  std::size_t position;
  std::uint64_t seed;
  std::optional<InjectedSpin> spin = {};  ///< of a positive control
};

/// A sample without figures: whose it is, where and when.
[[nodiscard]] Sample unmeasured_sample(const Entry& entry, const SamplePlace& place, const SampleSettings& settings);

/// One sample, in a process of its own. Whatever goes wrong makes the sample void, never the run; what the entry's
/// design has no form of makes it not applicable.
[[nodiscard]] Sample run_sample(const Entry& entry, const SamplePlace& place, const SampleSettings& settings);

/// Of a sample with a server: whether the CPUs gave it far less than a closed loop takes: time stolen or spent waiting
/// for the CPU, or both ends idle at once although messages were in flight. Memory doesn't depend on any of that.
[[nodiscard]] bool looks_stalled(const Sample& sample);

}  // namespace reactorlab::bench
