#pragma once

#include "harness/load/pattern.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

#include <netinet/in.h>

namespace reactorlab::load {

/// A load for counting instead of timing: in each turn every connection sends one message, then every echo is read and compared. So
/// on one CPU, and with a server that doesn't preempt it (SCHED_BATCH), each turn is the same work. Blocking, of one thread. Errors
/// are std::runtime_error.
class Lockstep {
 public:
  struct Options {
    sockaddr_in endpoint{};
    std::size_t conns = 64;
    std::size_t payload = 64;  ///< at most Pattern::kRun
    std::uint64_t seed = 1;
  };

  /// Connects.
  explicit Lockstep(const Options& options);
  /// Closes the connections.
  ~Lockstep();
  Lockstep(const Lockstep&) = delete;
  Lockstep& operator=(const Lockstep&) = delete;

  void play(std::size_t turns);

 private:
  struct Connection {
    int fd;
    std::size_t position;  ///< in the pattern
  };
  void send(const Connection& connection);
  void receive(Connection& connection, std::size_t number);

  const std::size_t payload_;
  const Pattern pattern_;
  std::vector<Connection> connections_;
  std::vector<char> echo_;
};

}  // namespace reactorlab::load
