#include "impls/libevent/echo_loop.hpp"

#include "harness/scenarios/work.hpp"

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace reactorlab::libevent_peer {
namespace {

/// How long accepting rests when descriptors or memory ran out.
constexpr timeval kAcceptRetry = {.tv_sec = 0, .tv_usec = 50'000};

/// A base that only its own thread touches: nothing of it is locked.
event_base* make_base() {
  event_config* config = event_config_new();
  if (config == nullptr) throw std::bad_alloc();
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
  event_base* base = event_base_new_with_config(config);
  event_config_free(config);
  if (base == nullptr) throw std::runtime_error("libevent: no event_base (raise the limit of open files: ulimit -n)");
  return base;
}

template <class Pointer>
void require(const Pointer& made, const char* what) {
  if (!made) throw std::runtime_error(std::string("libevent: ") + what + " failed, out of memory");
}

}  // namespace

EchoLoop::EchoLoop(const ServeRequest& request, bool share_port)
    : chunk_(request.read_chunk), buffer_(std::make_unique_for_overwrite<char[]>(chunk_)), base_(make_base()) {
  listen(request, share_port);
  rest_.reset(event_new(
      base_.get(), -1, 0,
      [](evutil_socket_t, short, void* self) { evconnlistener_enable(static_cast<EchoLoop*>(self)->listener_.get()); }, this));
  require(rest_, "event_new");
  if (request.stop_fd < 0) return;
  stop_.reset(event_new(
      base_.get(), request.stop_fd, EV_READ,
      [](evutil_socket_t, short, void* self) { event_base_loopbreak(static_cast<EchoLoop*>(self)->base_.get()); }, this));
  require(stop_, "event_new");
  event_add(stop_.get(), nullptr);
}

EchoLoop::~EchoLoop() {
  listener_.reset();
  while (connections_ != nullptr) close(*connections_);
}

void EchoLoop::listen(const ServeRequest& request, bool share_port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(request.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const unsigned flags =
      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE | (share_port ? LEV_OPT_REUSEABLE_PORT : 0);
  listener_.reset(evconnlistener_new_bind(base_.get(), on_accept, this, flags, request.backlog,
                                          reinterpret_cast<const sockaddr*>(&address), sizeof address));
  if (!listener_)
    throw std::system_error(
        errno, std::system_category(),
        "libevent: cannot listen on 127.0.0.1:" + std::to_string(request.port) + " (take another --port, or 0 for any free one)");
  evconnlistener_set_error_cb(listener_.get(), on_accept_error);
  const int on = 1;
  ::setsockopt(evconnlistener_get_fd(listener_.get()), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // accepted sockets inherit it
}

std::uint16_t EchoLoop::port() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(evconnlistener_get_fd(listener_.get()), reinterpret_cast<sockaddr*>(&address), &size) < 0)
    throw std::system_error(errno, std::system_category(), "libevent: getsockname");
  return ntohs(address.sin_port);
}

ServeReport EchoLoop::run() {
  event_base_dispatch(base_.get());
  return {.connections = accepted_,
          .counters = {
              {"recv", recv_}, {"send", send_}, {"full_send_buffers", full_send_buffers_}, {"accept_refused", accept_refused_}}};
}

void EchoLoop::on_accept(evconnlistener*, evutil_socket_t fd, sockaddr*, int, void* self_pointer) {
  EchoLoop& self = *static_cast<EchoLoop*>(self_pointer);
  auto connection = std::make_unique<Connection>();
  connection->loop = &self;
  if (!self.watch(*connection, fd, EV_READ, on_readable)) {
    ::close(fd);
    return;
  }
  ++self.accepted_;
  connection->next = self.connections_;
  if (self.connections_ != nullptr) self.connections_->previous = connection.get();
  self.connections_ = connection.release();
}

/// The queue keeps its clients: try again in a while, don't spin.
void EchoLoop::on_accept_error(evconnlistener* listener, void* self_pointer) {
  EchoLoop& self = *static_cast<EchoLoop*>(self_pointer);
  ++self.accept_refused_;
  evconnlistener_disable(listener);
  event_add(self.rest_.get(), &kAcceptRetry);
}

/// Level-triggered, registered until the callback changes: what a read leaves is reported again.
void EchoLoop::on_readable(evutil_socket_t fd, short, void* pointer) {
  Connection& connection = *static_cast<Connection*>(pointer);
  EchoLoop& self = *connection.loop;
  ++self.recv_;
  const ssize_t received = ::recv(fd, self.buffer_.get(), self.chunk_, 0);
  if (received <= 0) {
    if (received == 0 || (errno != EAGAIN && errno != EINTR)) self.close(connection);
    return;
  }
  if (!work::do_requested_if_any(self.buffer_.get(), static_cast<std::size_t>(received))) return self.close(connection);
  ++self.send_;
  const ssize_t sent = ::send(fd, self.buffer_.get(), static_cast<std::size_t>(received), MSG_NOSIGNAL);
  if (sent == received) return;
  if (sent < 0 && errno != EAGAIN && errno != EINTR) return self.close(connection);
  const ssize_t taken = sent < 0 ? 0 : sent;
  self.block(connection, self.buffer_.get() + taken, static_cast<std::size_t>(received - taken));
}

/// A connection with something left to send isn't read: its peer decides how much it holds.
void EchoLoop::block(Connection& connection, const char* rest, std::size_t size) {
  ++full_send_buffers_;
  connection.unsent.assign(rest, rest + size);
  connection.unsent_begin = 0;
  if (!watch(connection, event_get_fd(&connection.event), EV_WRITE, on_writable)) close(connection);
}

void EchoLoop::on_writable(evutil_socket_t fd, short, void* pointer) {
  Connection& connection = *static_cast<Connection*>(pointer);
  EchoLoop& self = *connection.loop;
  ++self.send_;
  const ssize_t sent = ::send(fd, connection.unsent.data() + connection.unsent_begin,
                              connection.unsent.size() - connection.unsent_begin, MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno != EAGAIN && errno != EINTR) self.close(connection);
    return;
  }
  connection.unsent_begin += static_cast<std::size_t>(sent);
  if (connection.unsent_begin < connection.unsent.size()) return;
  connection.unsent = {};
  if (!self.watch(connection, fd, EV_READ, on_readable)) self.close(connection);
}

/// From now on for this alone. -> whether it could be.
bool EchoLoop::watch(Connection& connection, evutil_socket_t fd, short what, event_callback_fn callback) {
  if (event_initialized(&connection.event) != 0) event_del(&connection.event);
  return event_assign(&connection.event, base_.get(), fd, static_cast<short>(what | EV_PERSIST), callback, &connection) == 0 &&
         event_add(&connection.event, nullptr) == 0;
}

void EchoLoop::close(Connection& connection) {
  const evutil_socket_t fd = event_get_fd(&connection.event);
  event_del(&connection.event);
  ::close(fd);
  if (connection.previous != nullptr)
    connection.previous->next = connection.next;
  else
    connections_ = connection.next;
  if (connection.next != nullptr) connection.next->previous = connection.previous;
  delete &connection;
}

}  // namespace reactorlab::libevent_peer
