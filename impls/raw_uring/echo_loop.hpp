#pragma once

#include "harness/engine.hpp"
#include "harness/loopback_listener.hpp"
#include "impls/raw_uring/buffer_pool.hpp"
#include "impls/raw_uring/connection.hpp"
#include "impls/raw_uring/ring.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace reactorlab::raw_uring {

/// What a completion is about: the low bits of its user data. The rest is the connection's address.
enum class Operation : std::uint8_t {
  Receive,
  Send,
  Accept,
  Stop,
  AcceptRest,
  Unwatched,  ///< a cancel or a close: completes while it is submitted, and says nothing unless it fails
};

struct LoopSizes {
  RingSizes ring = {};
  unsigned buffers = 512;  ///< a power of two
};

/// One thread, one ring, one pool of receive buffers. Constructing it binds and listens; another thread may run it.
class EchoLoop {
 public:
  /// Several loops on one port set `share_port`, and the kernel deals the connections out.
  EchoLoop(const ServeRequest& request, bool share_port, LoopSizes sizes = {});
  ~EchoLoop();
  EchoLoop(const EchoLoop&) = delete;
  EchoLoop& operator=(const EchoLoop&) = delete;

  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }
  /// Until the stop descriptor is readable; then everything is closed.
  ServeReport run();

  /// run() by hand, all on one thread: start(), turns while they return true, finish(). A turn is one system call, and waits until
  /// there is something to do.
  void start();
  bool turn();
  ServeReport finish();

 private:
  /// Buffers that wait behind the one being sent before a connection isn't received from any more.
  static constexpr unsigned kWaitingMax = 16;

  /// What a turn may receive, roughly: it is sent in the next one, and should be in the cache then.
  static constexpr std::size_t kTurnBytes = std::size_t{256} * 1024;

  io_uring_sqe& prepare(Operation operation, Connection* connection);
  void on_completion(const io_uring_cqe& completion);
  void on_receive(Connection& connection, const io_uring_cqe& completion);
  void end_of_receive(Connection& connection, int result);
  void on_send(Connection& connection, int result);
  void on_accept(const io_uring_cqe& completion);
  void on_backlog_sent(Connection& connection, int result);

  void accept();
  void adopt(int fd);
  void receive(Connection& connection);
  void echo(Connection& connection, std::uint16_t buffer, std::uint32_t size);
  void send_first(Connection& connection);
  void block(Connection& connection, std::size_t sent);
  void send_backlog(Connection& connection);

  void starve(Connection& connection);
  void feed_starved();
  void cancel(Connection& connection, Operation operation);
  void stop_receiving(Connection& connection);
  void break_off(Connection& connection);
  void settle(Connection& connection);
  void close_connection(Connection& connection);
  [[nodiscard]] ServeReport report() const;

  Ring ring_;
  BufferPool pool_;
  LoopbackListener listener_;
  const int stop_fd_;

  struct Received {
    std::uint32_t size = 0;
    std::uint16_t next = kNone;
  };
  std::vector<Received> received_;  ///< of each buffer
  Connection* connections_ = nullptr;
  std::deque<Connection*> starved_;
  __kernel_timespec accept_rest_{.tv_sec = 0, .tv_nsec = 50'000'000};
  bool accept_rests_ = false;   ///< for want of descriptors: until a connection closes, or for the time above
  bool rest_is_timed_ = false;  ///< that time is running
  bool stopping_ = false;
  bool hurry_ = false;           ///< a send under way leaves something to do when it completes
  std::uint64_t in_flight_ = 0;  ///< operations that will complete

  struct Turn {
    std::size_t messages = 0, bytes = 0;
  } turn_;  ///< what the current one has received
  struct Counts {
    std::uint64_t accepted = 0, accept_refused = 0, recv = 0, send = 0, close = 0, full_send_buffers = 0, no_buffers = 0,
                  connection_errors = 0;
  } counts_;
};

}  // namespace reactorlab::raw_uring
