#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace reactorlab::bench {

/// Says on standard error how far a run is and how long it still takes: a bar that is rewritten on a terminal, else one
/// plain line for each round. NO_COLOR (https://no-color.org) is honoured.
class Progress {
 public:
  /// `expected` is what a sample takes until one has been seen.
  Progress(std::size_t samples, std::size_t samples_per_round, std::chrono::milliseconds expected);

  void starts(const std::string& what);
  void done();

  /// Prints a line without leaving the bar's remains.
  void note(const std::string& line);
  void finish();

 private:
  [[nodiscard]] std::chrono::seconds left() const;
  void draw(const std::string& what);

  const std::size_t samples_;
  const std::size_t samples_per_round_;
  const std::chrono::milliseconds expected_;
  const std::chrono::steady_clock::time_point started_;
  const bool terminal_;
  const bool color_;
  std::size_t done_ = 0;
};

}  // namespace reactorlab::bench
