// The context on a thread of its own, the handlers that would do a server's work on a pool.
#include "harness/peer_serving.hpp"
#include "harness/scenarios/work.hpp"
#include "impls/asio/listener.hpp"
#include "impls/asio/types.hpp"

#include <cstddef>
#include <latch>
#include <memory>
#include <utility>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>

namespace reactorlab {
namespace {

namespace asio = boost::asio;

/// One chain of handlers, as asio_peer::Session is: what was read is answered on the pool, and the end of the write, which does
/// nothing but read on, stays with the context.
class PooledSession {
 public:
  PooledSession(asio_peer::Socket socket, std::size_t chunk, asio::thread_pool& pool)
      : socket_(std::move(socket)), chunk_(chunk), buffer_(std::make_unique_for_overwrite<char[]>(chunk)), pool_(pool) {}

  static void read(std::unique_ptr<PooledSession> self) {
    PooledSession& session = *self;
    session.socket_.async_read_some(
        asio::buffer(session.buffer_.get(), session.chunk_),
        asio::bind_executor(session.pool_.get_executor(),
                            [self = std::move(self)](const asio_peer::error_code& error, std::size_t size) mutable {
                              if (!error && work::do_requested_if_any(self->buffer_.get(), size)) answer(std::move(self), size);
                            }));
  }

 private:
  static void answer(std::unique_ptr<PooledSession> self, std::size_t size) {
    PooledSession& session = *self;
    asio::async_write(session.socket_, asio::buffer(session.buffer_.get(), size),
                      [self = std::move(self)](const asio_peer::error_code& error, std::size_t) mutable {
                        if (!error) read(std::move(self));
                      });
  }

  asio_peer::Socket socket_;
  const std::size_t chunk_;
  const std::unique_ptr<char[]> buffer_;
  asio::thread_pool& pool_;
};

class DedicatedServer {
 public:
  explicit DedicatedServer(const ServeRequest& request)
      : threads_(request.workers),
        pool_(request.workers),
        listener_(context_, request, false, [this, chunk = request.read_chunk](asio_peer::Socket socket) {
          PooledSession::read(std::make_unique<PooledSession>(std::move(socket), chunk, pool_));
        }) {}

  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }

  ServeReport run() {
    context_.run();
    empty_the_pool();
    return listener_.report();
  }

 private:
  /// What is queued there owns sockets, which have to go before the context; what waits in the context names the pool, which has to
  /// go after it. The context has stopped, so nothing comes any more, and the queue is empty when every thread has come to its end.
  void empty_the_pool() {
    std::latch every_thread(threads_ + 1);
    for (unsigned i = 0; i < threads_; ++i) asio::post(pool_, [&every_thread] { every_thread.arrive_and_wait(); });
    every_thread.arrive_and_wait();
    pool_.stop();
    pool_.join();
  }

  const unsigned threads_;
  asio::thread_pool pool_;
  asio::io_context context_{1};  // one thread runs it, all reach it
  asio_peer::Listener listener_;
};

class AsioDedicated final : public peer_kit::ServingShape {
 public:
  [[nodiscard]] EngineInfo info() const override {
    return {.summary = "Boost.Asio, the io_context on a thread of its own, a thread_pool of the workers for the handlers",
            .backends = {"epoll"},
            .max_workers = 0};
  }

  ServeReport serve(const ServeRequest& request) override {
    peer_kit::refuse_what_it_lacks("asio:dedicated", info(), request);
    DedicatedServer server(request);
    if (request.on_ready) request.on_ready(server.port());
    return server.run();
  }
};

}  // namespace

std::unique_ptr<Engine> make_asio_dedicated_engine() { return std::make_unique<AsioDedicated>(); }

}  // namespace reactorlab
