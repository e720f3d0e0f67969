#pragma once

#include "harness/engine.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/listener.h>

namespace reactorlab::libevent_peer {

class EchoLoop;

struct Connection {
  struct event event;
  EchoLoop* loop = nullptr;
  std::vector<char> unsent;  ///< while there is something, it isn't read
  std::size_t unsent_begin = 0;
  Connection* previous = nullptr;
  Connection* next = nullptr;
};

/// One event_base with its own listener and one receive buffer for all its connections. Constructing it binds and listens; run()
/// may be called by another thread.
class EchoLoop {
 public:
  /// Several loops on one port set `share_port`, and the kernel deals the connections out.
  EchoLoop(const ServeRequest& request, bool share_port);
  ~EchoLoop();
  EchoLoop(const EchoLoop&) = delete;
  EchoLoop& operator=(const EchoLoop&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  /// Until the stop descriptor is readable; then everything is closed.
  ServeReport run();

 private:
  struct Free {
    void operator()(event_base* base) const { event_base_free(base); }
    void operator()(evconnlistener* listener) const { evconnlistener_free(listener); }
    void operator()(struct event* event) const { event_free(event); }
  };
  using Event = std::unique_ptr<struct event, Free>;

  static void on_accept(evconnlistener* listener, evutil_socket_t fd, sockaddr* address, int size, void* self);
  static void on_accept_error(evconnlistener* listener, void* self);
  static void on_readable(evutil_socket_t fd, short what, void* connection);
  static void on_writable(evutil_socket_t fd, short what, void* connection);

  void listen(const ServeRequest& request, bool share_port);
  bool watch(Connection& connection, evutil_socket_t fd, short what, event_callback_fn callback);
  void block(Connection& connection, const char* rest, std::size_t size);
  void close(Connection& connection);

  const std::size_t chunk_;
  const std::unique_ptr<char[]> buffer_;
  std::uint64_t accepted_ = 0, accept_refused_ = 0, recv_ = 0, send_ = 0, full_send_buffers_ = 0;
  Connection* connections_ = nullptr;
  // In this order: events and the listener go before their base.
  std::unique_ptr<event_base, Free> base_;
  std::unique_ptr<evconnlistener, Free> listener_;
  Event stop_, rest_;
};

}  // namespace reactorlab::libevent_peer
