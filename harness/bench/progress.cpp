#include "harness/bench/progress.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace reactorlab::bench {
namespace {

bool variable_is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

bool is_terminal() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

/// Asked each time: the user may resize the window.
std::size_t terminal_width() {
  winsize size{};
  constexpr std::size_t kUsual = 80;
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUsual;
}

/// As many bytes of UTF-8 as take so many columns; what continues a character takes none.
std::string first_columns(const std::string& text, std::size_t columns) {
  std::size_t end = 0;
  for (std::size_t taken = 0; end < text.size(); ++end) {
    const bool begins = (static_cast<unsigned char>(text[end]) & 0xC0U) != 0x80U;
    if (begins && taken++ == columns) break;
  }
  return text.substr(0, end);
}

}  // namespace

std::chrono::seconds time_left(const ProgressState& state) {
  const double rest = static_cast<double>((state.expected - state.expected_done).count());
  const double pace = state.expected_done.count() > 0
                          ? static_cast<double>(state.passed.count()) / static_cast<double>(state.expected_done.count())
                          : 1.0;
  return std::chrono::seconds(static_cast<long>(std::max(0.0, rest * pace) / 1000 + 0.5));
}

std::string duration_text(std::chrono::seconds seconds) {
  return seconds.count() < 100 ? fmt::format("{} s", seconds.count())
                               : fmt::format("{} min {} s", seconds.count() / 60, seconds.count() % 60);
}

std::string progress_line(const ProgressState& state, const std::string& what, std::size_t width, bool color) {
  constexpr std::size_t kBar = 24;
  const std::size_t filled = state.samples == 0 ? kBar : state.done * kBar / state.samples;
  const std::string bar = std::string(filled, '#') + std::string(kBar - filled, '.');
  std::string text = fmt::format("[{}] {}/{}, {} left  {}", bar, state.done, state.samples, duration_text(time_left(state)), what);
  text = first_columns(text, width > 0 ? width - 1 : 0);  // the last column may wrap
  if (color && text.size() > kBar) text = text.insert(1 + kBar, "\033[0m").insert(1, "\033[32m");
  return text;
}

bool color_wanted(bool terminal) { return terminal && !variable_is_set("NO_COLOR"); }

Progress::Progress(std::size_t samples, std::chrono::milliseconds expected)
    : state_{.samples = samples, .expected = expected},
      started_(std::chrono::steady_clock::now()),
      terminal_(is_terminal()),
      color_(color_wanted(terminal_)) {}

ProgressState Progress::state() const {
  ProgressState now = state_;
  now.passed = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started_);
  return now;
}

void Progress::starts(const std::string& what, std::size_t round, std::size_t rounds) {
  if (terminal_)
    fmt::print(stderr, "\r\033[K{}", progress_line(state(), what, terminal_width(), color_));
  else if (round >= announced_rounds_)
    fmt::print(stderr, "bench: round {} of {}, {} left\n", round + 1, rounds, duration_text(time_left(state())));
  announced_rounds_ = round + 1;
  std::fflush(stderr);
}

void Progress::done(std::chrono::milliseconds expected) {
  ++state_.done;
  state_.expected_done += expected;
}

void Progress::drop(std::size_t samples, std::chrono::milliseconds expected) {
  state_.samples -= samples;
  state_.expected -= expected;
}

void Progress::note(const std::string& line) {
  fmt::print(stderr, "{}bench: {}\n", terminal_ ? "\r\033[K" : "", line);
  std::fflush(stderr);
}

void Progress::finish() {
  if (terminal_) fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
}

}  // namespace reactorlab::bench
