#include "harness/bench/progress.hpp"

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>
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

std::string duration_text(std::chrono::seconds seconds) {
  return seconds.count() < 100 ? fmt::format("{} s", seconds.count())
                               : fmt::format("{} min {} s", seconds.count() / 60, seconds.count() % 60);
}

}  // namespace

Progress::Progress(std::size_t samples, std::size_t samples_per_round, std::chrono::milliseconds expected)
    : samples_(samples),
      samples_per_round_(samples_per_round),
      expected_(expected),
      started_(std::chrono::steady_clock::now()),
      terminal_(is_terminal()),
      color_(terminal_ && !variable_is_set("NO_COLOR")) {}

std::chrono::seconds Progress::left() const {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  const auto passed = duration_cast<milliseconds>(std::chrono::steady_clock::now() - started_);
  const milliseconds each = done_ == 0 ? expected_ : passed / static_cast<long>(done_);
  return duration_cast<std::chrono::seconds>(each * static_cast<long>(samples_ - done_) + milliseconds(500));
}

void Progress::starts(const std::string& what) {
  if (terminal_)
    draw(what);
  else if (done_ % samples_per_round_ == 0)
    fmt::print(stderr, "bench: round {} of {}, {} left\n", done_ / samples_per_round_ + 1,
               samples_ / samples_per_round_, duration_text(left()));
  std::fflush(stderr);
}

void Progress::draw(const std::string& what) {
  constexpr std::size_t kWidth = 24;
  const std::size_t filled = samples_ == 0 ? kWidth : done_ * kWidth / samples_;
  const std::string bar = std::string(filled, '#') + std::string(kWidth - filled, '.');
  fmt::print(stderr, "\r\033[K[{}{}{}] {}/{}, {} left  {}", color_ ? "\033[32m" : "", bar, color_ ? "\033[0m" : "",
             done_, samples_, duration_text(left()), what);
}

void Progress::done() { ++done_; }

void Progress::note(const std::string& line) {
  fmt::print(stderr, "{}bench: {}\n", terminal_ ? "\r\033[K" : "", line);
  std::fflush(stderr);
}

void Progress::finish() {
  if (terminal_) fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
}

}  // namespace reactorlab::bench
