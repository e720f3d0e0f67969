#pragma once

#include <string>

namespace CLI {
class App;
}

namespace reactorlab::bench {

/// `bench calibrate`: what this machine's primitives cost.
struct CalibrateOptions {
  std::string out = "primitives.json";
  double seconds = 0.2;  ///< for each primitive
  bool force = false;    ///< replace the file
};

void add_calibrate(CLI::App& app, CalibrateOptions& options);

/// Prints the table and writes the file, whole or not at all. 0; kExitInterrupted, and nothing is written. Throws UsageError,
/// std::runtime_error.
int calibrate_verb(const CalibrateOptions& options);

}  // namespace reactorlab::bench
