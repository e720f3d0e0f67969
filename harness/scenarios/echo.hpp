#pragma once
// The echo server, written once: what the bench times is what the kit has proven.

#include "core/reactorlab.hpp"

namespace reactorlab::scenarios {

/// Sends back whatever comes until the peer ends its stream or the connection fails.
template <class Rt, class Stream = BasicTcpStream<Rt>>
Task<> echo_session(Stream stream) {
  for (;;) {
    const Lease lease = co_await stream.read_lease();
    if (!lease) co_return;
    const IoResult sent = co_await stream.write_all(lease);
    if (!sent) co_return;
  }
}

struct EchoCounts {
  std::uint64_t connections = 0;
};

/// Accepts until its runtime shuts down. Each connection is a task of its own: session(stream).
template <class Rt, class Listener, class Session>
Task<> accept_sessions(Rt& runtime, Listener listener, EchoCounts& counts, Session session) {
  constexpr Duration out_of_descriptors_pause = std::chrono::milliseconds{10};
  for (;;) {
    auto stream = co_await listener.accept();
    if (stream) {
      ++counts.connections;
      runtime.spawn(session(*std::move(stream))).detach();
      continue;
    }
    switch (stream.error()) {
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM: (void)co_await sleep(runtime, out_of_descriptors_pause); break;  // the connection stays queued
      default: co_return;
    }
  }
}

template <class Rt>
Task<> echo_listener(Rt& runtime, BasicTcpListener<Rt> listener, EchoCounts& counts) {
  return accept_sessions(runtime, std::move(listener), counts,
                         [](BasicTcpStream<Rt> stream) { return echo_session<Rt>(std::move(stream)); });
}

/// Runs until the descriptor (a signalfd, an eventfd) is readable.
template <class Rt>
Task<> until_readable(Rt& runtime, int fd) {
  auto source = BasicAsyncFd<Rt>::borrow(runtime, fd);
  (void)co_await source.readable();
}

}  // namespace reactorlab::scenarios
