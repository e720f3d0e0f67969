#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace reactorlab::bench {

/// How far a run is. Samples differ in length, so time is estimated by what was expected of those that are done.
struct ProgressState {
  std::size_t samples = 0, done = 0;
  std::chrono::milliseconds expected{}, expected_done{};  ///< of all samples, of those that are done
  std::chrono::milliseconds passed{};
};

/// What is left: what was expected of the rest, times how much longer than expected the first ones took.
[[nodiscard]] std::chrono::seconds time_left(const ProgressState& state);

/// "4 min 20 s".
[[nodiscard]] std::string duration_text(std::chrono::seconds seconds);

/// One line that fits into `width` columns; colour codes take none.
[[nodiscard]] std::string progress_line(const ProgressState& state, const std::string& what, std::size_t width, bool color);

/// Whether colours are wanted: on a terminal, unless NO_COLOR (https://no-color.org) is set and not empty.
[[nodiscard]] bool color_wanted(bool terminal);

/// Says on standard error how far a run is and how long it still takes: a line that is rewritten on a terminal, else
/// a plain line whenever a round begins.
class Progress {
 public:
  Progress(std::size_t samples, std::chrono::milliseconds expected);

  /// A sample begins. `round` counts from 0.
  void starts(const std::string& what, std::size_t round, std::size_t rounds);
  void done(std::chrono::milliseconds expected);

  /// So many samples won't be needed.
  void drop(std::size_t samples, std::chrono::milliseconds expected);

  /// Prints a line without leaving the progress line's remains.
  void note(const std::string& line);
  void finish();

 private:
  [[nodiscard]] ProgressState state() const;

  ProgressState state_;
  const std::chrono::steady_clock::time_point started_;
  const bool terminal_;
  const bool color_;
  std::size_t announced_rounds_ = 0;
};

}  // namespace reactorlab::bench
