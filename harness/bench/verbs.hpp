#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The verbs of the command line. Each returns an exit status (usage.hpp) and throws UsageError or another
/// std::exception for what the user has to be told.
namespace reactorlab::bench {

struct RunOptions {
  std::vector<std::string> impls = {"all"};
  std::string engines;   ///< file of external engines; empty: the repository's
  std::string workload;  ///< regular expression
  std::string tier = "quick";
  std::string backend;
  std::string locking;
  unsigned workers = 1;
  std::vector<std::string> ablate;  ///< ablations to measure beside the entries that they vary, or "all"
  std::vector<std::uint64_t> conns, payload, pipeline;
  std::optional<int> rounds;          ///< instead of the tier's
  std::optional<double> precision;    ///< percent: cells stop when their intervals are as narrow
  std::optional<std::uint64_t> seed;  ///< else a random one, which is recorded
  std::string out;                    ///< else results/<date>-<tier> in the source folder
  bool controls = false;              ///< although the tier has none
  bool no_controls = false;           ///< although the tier has them
  std::string resume;                 ///< the folder of an interrupted run; then nothing else is chosen
  bool accept_noise = false;          ///< begins a run for publication beside hot processes
  std::string program = "bench";      ///< as it was called
  std::vector<std::string> command_line;
};

struct ServeOptions {
  std::string impl;
  std::string engines;       ///< file of external engines; empty: the repository's
  std::string engine_entry;  ///< of an external engine, instead of any file: its entry as to_word() writes it
  std::string backend;
  std::string locking;
  unsigned workers = 1;
  std::string proto = "echo";
  std::string path;  ///< of unix_echo's socket
  std::uint16_t port = 0;
  std::optional<int> cpu;
  std::uint64_t spin_per_mib = 0;  ///< of a positive control
  bool die_with_parent = false;
};

struct LoadVerbOptions {
  std::string connect;
  std::string mode = "echo";  ///< or churn, idle
  std::size_t conns = 64;
  std::size_t payload = 64;
  std::size_t pipeline = 1;
  std::optional<double> rate;  ///< messages per second: an open loop
  std::string ladder;          ///< LOW:HIGH:STEPS: open loops at rising rates
  bool poisson = false;        ///< arrivals of an open loop, else evenly spaced
  double duration_s = 1.0;
  double warmup_s = 0.2;
  std::uint64_t seed = 1;
  std::optional<int> cpu;
  std::string hgrm;  ///< where histograms go
  bool json = false;
};

struct ListOptions {
  std::string engines;   ///< file of external engines; empty: the repository's
  std::string workload;  ///< the workload or ablation to explain; empty: everything in lines
  bool json = false;
};

int run_verb(const RunOptions& options);
int serve_verb(const ServeOptions& options);
int load_verb(const LoadVerbOptions& options);
int list_verb(const ListOptions& options);
/// kExitFailure where a run for publication would be refused now.
int doctor_verb();

/// The whole program: parses, runs a verb, turns errors into a line on standard error and an exit status.
int run_program(int argc, const char* const* argv);

}  // namespace reactorlab::bench
