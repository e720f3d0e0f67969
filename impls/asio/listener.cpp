#include "impls/asio/listener.hpp"

#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <boost/asio/error.hpp>

namespace reactorlab::asio_peer {
namespace {

using asio::ip::tcp;

/// How long accepting rests when descriptors or memory ran out.
constexpr auto kAcceptRetry = std::chrono::milliseconds(50);

bool out_of_resources(const error_code& error) {
  return error == asio::error::no_descriptors || error == boost::system::errc::too_many_files_open_in_system ||
         error == asio::error::no_buffer_space || error == asio::error::no_memory;
}

[[noreturn]] void fail(const error_code& error, const std::string& what) {
  throw std::system_error(error.value(), std::system_category(), "asio: " + what);
}

}  // namespace

Listener::Listener(asio::io_context& context, const ServeRequest& request, bool share_port, Adopt adopt)
    : context_(context), adopt_(std::move(adopt)), acceptor_(context), stop_(context), rest_(context) {
  listen(request.port, request.backlog, share_port);
  if (request.stop_fd >= 0) watch_stop(request.stop_fd);
  accept();
}

void Listener::listen(std::uint16_t port, int backlog, bool share_port) {
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
  error_code error;
  if (acceptor_.open(endpoint.protocol(), error)) fail(error, "socket");
  acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  acceptor_.set_option(tcp::no_delay(true), error);  // accepted sockets inherit it
  const int on = 1;
  if (share_port && ::setsockopt(acceptor_.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0)
    throw std::system_error(errno, std::system_category(), "asio: SO_REUSEPORT");
  if (!acceptor_.bind(endpoint, error)) acceptor_.listen(backlog, error);
  if (error) fail(error, "cannot listen on 127.0.0.1:" + std::to_string(port) + " (take another --port, or 0 for any free one)");
}

/// On a duplicate, because a descriptor closes what it watches.
void Listener::watch_stop(int stop_fd) {
  const int duplicate = ::fcntl(stop_fd, F_DUPFD_CLOEXEC, 0);
  if (duplicate < 0) throw std::system_error(errno, std::system_category(), "asio: dup of the stop descriptor");
  stop_.assign(duplicate);
  stop_.async_wait(Descriptor::wait_read, [this](const error_code& error) {
    if (!error) context_.stop();
  });
}

void Listener::accept() {
  acceptor_.async_accept([this](const error_code& error, Socket socket) {
    if (out_of_resources(error)) return rest();
    if (!error) {
      ++accepted_;
      adopt_(std::move(socket));
    }  // else: that client gave up (ECONNABORTED and the like); the next one is unharmed
    accept();
  });
}

/// The queue keeps its clients: try again in a while, don't spin.
void Listener::rest() {
  ++accept_refused_;
  rest_.expires_after(kAcceptRetry);
  rest_.async_wait([this](const error_code&) { accept(); });
}

}  // namespace reactorlab::asio_peer
