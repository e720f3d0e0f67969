#include "impls/asio/echo_server.hpp"

#include "impls/asio/session.hpp"

#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <boost/asio/error.hpp>

namespace reactorlab::asio_peer {
namespace {

using asio::ip::tcp;

/// How long accepting rests when descriptors or memory ran out.
constexpr auto kAcceptRetry = std::chrono::milliseconds(50);

/// One thread needs no locks: nothing reaches this context from outside, not even the wish to stop.
int concurrency_hint(unsigned workers) { return workers == 1 ? BOOST_ASIO_CONCURRENCY_HINT_UNSAFE : static_cast<int>(workers); }

bool out_of_resources(const error_code& error) {
  return error == asio::error::no_descriptors || error == boost::system::errc::too_many_files_open_in_system ||
         error == asio::error::no_buffer_space || error == asio::error::no_memory;
}

[[noreturn]] void fail(const error_code& error, const std::string& what) {
  throw std::system_error(error.value(), std::system_category(), "asio: " + what);
}

}  // namespace

EchoServer::EchoServer(const ServeRequest& request)
    : workers_(request.workers),
      chunk_(request.read_chunk),
      context_(concurrency_hint(request.workers)),
      acceptor_(context_),
      stop_(context_),
      rest_(context_) {
  listen(request.port, request.backlog);
  if (request.stop_fd >= 0) watch_stop(request.stop_fd);
  accept();
}

void EchoServer::listen(std::uint16_t port, int backlog) {
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
  error_code error;
  if (acceptor_.open(endpoint.protocol(), error)) fail(error, "socket");
  acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  acceptor_.set_option(tcp::no_delay(true), error);  // accepted sockets inherit it
  if (!acceptor_.bind(endpoint, error)) acceptor_.listen(backlog, error);
  if (error) fail(error, "cannot listen on 127.0.0.1:" + std::to_string(port) + " (take another --port, or 0 for any free one)");
}

/// On a duplicate, because a descriptor closes what it watches.
void EchoServer::watch_stop(int stop_fd) {
  const int duplicate = ::fcntl(stop_fd, F_DUPFD_CLOEXEC, 0);
  if (duplicate < 0) throw std::system_error(errno, std::system_category(), "asio: dup of the stop descriptor");
  stop_.assign(duplicate);
  stop_.async_wait(Descriptor::wait_read, [this](const error_code& error) {
    if (!error) context_.stop();
  });
}

void EchoServer::accept() {
  acceptor_.async_accept([this](const error_code& error, Socket socket) {
    if (out_of_resources(error)) return rest();
    if (!error) {
      ++accepted_;
      Session::read(std::make_unique<Session>(std::move(socket), chunk_));
    }  // else: that client gave up (ECONNABORTED and the like); the next one is unharmed
    accept();
  });
}

/// The queue keeps its clients: try again in a while, don't spin.
void EchoServer::rest() {
  ++accept_refused_;
  rest_.expires_after(kAcceptRetry);
  rest_.async_wait([this](const error_code&) { accept(); });
}

ServeReport EchoServer::run() {
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < workers_; ++i) others.emplace_back([this] { context_.run(); });
  context_.run();
  others.clear();
  return {.connections = accepted_, .counters = {{"accept_refused", accept_refused_}}};
}

}  // namespace reactorlab::asio_peer
