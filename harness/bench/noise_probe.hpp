#pragma once

#include "harness/bench/noise_reading.hpp"
#include "harness/measure/machine_noise.hpp"

#include <cstdint>
#include <optional>

namespace reactorlab::bench {

/// Looks at the machine when a sample begins and when it has ended. Between the two this process and its children do nothing but
/// the sample, and no child is left at either end.
class NoiseProbe {
 public:
  /// The canary runs on these CPUs, one after the other, for about a millisecond each; without any, wherever it happens to.
  NoiseProbe(std::optional<int> server_cpu, std::optional<int> load_cpu);

  /// To be called once, when the sample's processes are gone.
  [[nodiscard]] NoiseReading finish();

 private:
  void take_canary(std::optional<int> cpu);

  NoiseReading reading_;
  std::uint64_t began_ns_ = 0;
  std::optional<std::uint64_t> steal_, pressure_;
  std::optional<measure::CpuOfProcesses> others_;
};

}  // namespace reactorlab::bench
