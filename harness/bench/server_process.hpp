#pragma once

#include "harness/bench/entry.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/types.h>
#include <nlohmann/json.hpp>

namespace reactorlab::bench {

/// What a server left behind when it ended in order.
struct ServerEnd {
  nlohmann::json report;  ///< its statistics, null where it printed none
  rusage usage{};
};

/// `bench serve` in a process of its own, which may become an external engine: spawned by the constructor, killed at the
/// latest by the destructor. Every wait is bounded. What goes wrong is a std::runtime_error that carries the server's own
/// words.
class ServerProcess {
 public:
  struct Options {
    Entry entry;
    std::optional<int> cpu;
    std::string proto = "echo";
    std::string path = {};                ///< of unix_echo's socket
    std::size_t environment_padding = 0;  ///< bytes; moves the stack, so that one lucky layout isn't measured every time
    std::string executable = "/proc/self/exe";
    std::vector<std::string> under = {};  ///< the path of a tool that runs the executable (valgrind), and its flags
  };

  explicit ServerProcess(const Options& options);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  /// Waits for the line `READY port=N`, the first on standard output. Of a server with a path: `READY path=PATH`, and 0.
  [[nodiscard]] std::uint16_t wait_ready(std::chrono::milliseconds limit);

  /// Ends its standard input, sends SIGTERM, and waits: a server that has ended already, doesn't end in time, or not in
  /// order, is an error. In order is status 0, of an external engine also the signal's usual effect.
  [[nodiscard]] ServerEnd stop(std::chrono::milliseconds limit);

 private:
  bool wait_exit(std::chrono::milliseconds limit);
  /// Ends it, if it hasn't ended, and takes what the kernel has kept of it.
  void reap() noexcept;
  [[nodiscard]] bool ended_in_order() const;
  [[nodiscard]] std::string stderr_text() const;
  [[nodiscard]] std::string end_text() const;

  const bool external_;
  const std::string path_;
  pid_t pid_ = -1;
  int pid_fd_ = -1;
  int stdin_fd_ = -1;
  int stdout_fd_ = -1;
  int stderr_fd_ = -1;  ///< a memory file: a server that talks much never blocks
  bool reaped_ = false;
  int status_ = 0;
  rusage usage_{};
};

}  // namespace reactorlab::bench
