#include "impls/asio/echo_server.hpp"

#include "impls/asio/session.hpp"

#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace reactorlab::asio_peer {

EchoServer::EchoServer(const ServeRequest& request, int concurrency_hint, bool share_port)
    : context_(concurrency_hint), listener_(context_, request, share_port, [chunk = request.read_chunk](Socket socket) {
        Session::read(std::make_unique<Session>(std::move(socket), chunk));
      }) {}

ServeReport EchoServer::run(unsigned threads) {
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < threads; ++i) others.emplace_back([this] { context_.run(); });
  context_.run();
  others.clear();
  return listener_.report();
}

}  // namespace reactorlab::asio_peer
