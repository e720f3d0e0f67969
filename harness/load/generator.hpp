#pragma once

#include "harness/load/connection.hpp"
#include "harness/load/load.hpp"

#include <array>
#include <string>
#include <vector>

#include <sys/epoll.h>

namespace reactorlab::load {

/// One run: connect, warm up, let everything come back, measure, let everything come back. So a message of the window
/// is wholly within it, and both ends of the window find a server that sleeps: the kernel's account of its CPU time is
/// exact then, while that of a running thread lags by up to a tick. Ends at the first thing that the server does wrong.
class Generator {
 public:
  explicit Generator(const LoadOptions& options);
  ~Generator();
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  LoadResult run();

 private:
  enum class Phase { WarmUp, SettleBefore, Measure, SettleAfter, Over };
  static constexpr int kBatch = 256;

  bool connect_all();
  [[nodiscard]] int connect_one();
  bool start_all(std::chrono::nanoseconds length);
  void loop();
  bool turn();
  void advance_phase(std::uint64_t now);
  bool open_window();
  void close_window();
  [[nodiscard]] bool draining() const { return phase_ == Phase::SettleBefore || phase_ == Phase::SettleAfter; }
  [[nodiscard]] bool all_idle() const;
  [[nodiscard]] bool cancelled() const;
  bool fail(std::string error);

  const LoadOptions& options_;
  const Pattern pattern_;
  Stream stream_;
  LoadResult result_;
  int epoll_fd_;
  std::vector<Connection> connections_;
  std::array<epoll_event, kBatch> events_;

  Phase phase_ = Phase::WarmUp;
  std::uint64_t phase_ends_ = 0;
  std::uint64_t last_progress_ = 0;
  std::uint64_t window_opened_ = 0;
  std::uint64_t cpu_at_open_ = 0;
};

}  // namespace reactorlab::load
