#include "impls/asio/session.hpp"

#include "harness/scenarios/work.hpp"

#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

namespace reactorlab::asio_peer {

Session::Session(Socket socket, std::size_t chunk)
    : socket_(std::move(socket)),
      chunk_(chunk),
      buffer_(std::make_unique_for_overwrite<char[]>(chunk)) {}  // a page that no message reaches stays unmapped

void Session::read(std::unique_ptr<Session> self) {
  Session& session = *self;
  session.socket_.async_read_some(asio::buffer(session.buffer_.get(), session.chunk_),
                                  [self = std::move(self)](const error_code& error, std::size_t size) mutable {
                                    if (!error && work::do_requested_if_any(self->buffer_.get(), size))
                                      write(std::move(self), size);
                                  });
}

/// Completes when everything is out: a peer that doesn't read isn't read.
void Session::write(std::unique_ptr<Session> self, std::size_t size) {
  Session& session = *self;
  asio::async_write(session.socket_, asio::buffer(session.buffer_.get(), size),
                    [self = std::move(self)](const error_code& error, std::size_t) mutable {
                      if (!error) read(std::move(self));
                    });
}

}  // namespace reactorlab::asio_peer
