#pragma once

#include "harness/engine.hpp"
#include "harness/loopback_listener.hpp"
#include "impls/raw_epoll/counts.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <sys/epoll.h>

namespace reactorlab::raw_epoll {

/// What an epoll event points at. Only a Plain connection takes the fast path, so the listener and the stop descriptor
/// cost a message nothing.
enum class SourceKind : std::uint8_t {
  Plain,    ///< a connection with nothing left to send
  Working,  ///< a connection whose requests ask for work
  Blocked,  ///< a connection whose peer doesn't take its bytes: it isn't read until they are gone
  Closed,   ///< closed while it waited in the continue list, which frees it
  Listener,
  Stop,
};

struct Connection {
  int fd = -1;
  SourceKind kind = SourceKind::Plain;
  bool continues = false;  ///< is in the continue list
  bool widened = false;    ///< registered for EPOLLOUT too, from its first full send buffer on
  std::unique_ptr<char[]> pending;
  std::size_t pending_begin = 0;
  std::size_t pending_end = 0;
  Connection* previous = nullptr;
  Connection* next = nullptr;
};

/// One thread, one epoll instance, one receive buffer. Constructing it binds and listens.
class EchoLoop {
 public:
  explicit EchoLoop(const ServeRequest& request);
  ~EchoLoop();
  EchoLoop(const EchoLoop&) = delete;
  EchoLoop& operator=(const EchoLoop&) = delete;

  [[nodiscard]] std::uint16_t port() const { return socket_.port(); }
  ServeReport run();

 private:
  static constexpr int kBatch = 256;
  /// Full reads in a row before the other connections get their turn.
  static constexpr int kReadBudget = 16;
  /// How long accepting rests when descriptors or memory ran out.
  static constexpr int kAcceptRetryMs = 50;

  void on_event(Connection& connection, std::uint32_t events);
  void on_event_slow(Connection& connection, std::uint32_t events);
  void pump(Connection& connection, bool until_would_block);
  void end_of_read(Connection& connection, long result);
  bool echo(Connection& connection, std::size_t size);
  void block(Connection& connection, std::size_t begin, std::size_t end);
  bool flush(Connection& connection);
  void run_continue_list();
  void accept_all();
  void adopt(int fd);
  void close_connection(Connection& connection);
  void close_all();
  [[nodiscard]] int wait_timeout_ms() const;

  const std::size_t chunk_;
  const std::unique_ptr<char[]> buffer_;
  LoopbackListener socket_;
  int epoll_fd_ = -1;
  Connection listener_;  ///< as an event points at it
  Connection stop_;
  Connection* connections_ = nullptr;
  std::vector<Connection*> continue_list_;
  bool stopping_ = false;
  bool accept_rests_ = false;
  std::uint64_t closed_before_rest_ = 0;

  Counts counts_;
  std::array<epoll_event, kBatch> events_;
};

}  // namespace reactorlab::raw_epoll
