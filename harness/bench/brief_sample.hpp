#pragma once

#include "harness/bench/sample_runner.hpp"

#include <chrono>
#include <filesystem>
#include <string>

/// For tests: samples that take no longer than they must.
namespace reactorlab::bench {

inline SamplePlace small_cell() { return {{"tcp_echo", {{"conns", 8}, {"payload", 64}, {"pipeline", 1}}}, 3, 1, 99}; }

inline SampleSettings brief(const std::string& executable) {
  return {.warmup = std::chrono::milliseconds(10),
          .duration = std::chrono::milliseconds(40),
          .server_cpu = {},
          .load_cpu = {},
          .provenance = "digest",
          .executable = executable};
}

/// The program beside this one, as the build puts them.
inline std::filesystem::path bench_binary() { return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "bench"; }

}  // namespace reactorlab::bench
