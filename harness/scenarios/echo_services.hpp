#pragma once
// Other echo servers than echo.hpp's: requests that ask for work, reads with a time-out, datagrams.

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

#include "core/reactorlab.hpp"
#include "harness/scenarios/echo.hpp"
#include "harness/scenarios/work.hpp"

namespace reactorlab::scenarios {

/// Does what each request asks for, and answers with it.
template <class Stream>
Task<> work_session(Stream stream) {
  for (;;) {
    const Lease lease = co_await stream.read_lease();
    if (!lease || !work::do_requested(lease.data(), lease.size())) co_return;
    const IoResult sent = co_await stream.write_all(lease);
    if (!sent) co_return;
  }
}

/// As servers do that want to be rid of silent peers: no read without a deadline. It is never reached here.
template <class Rt, class Stream = BasicTcpStream<Rt>>
Task<> timed_session(Rt& runtime, Stream stream) {
  constexpr Duration patience = std::chrono::seconds{5};
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const IoResult received = co_await timeout(runtime, patience, stream.read(std::span{buffer}));
    if (!received || received.count() == 0) co_return;
    const IoResult sent = co_await stream.write_all(std::span<const std::byte>{buffer}.first(received.count()));
    if (!sent) co_return;
  }
}

/// Sends each datagram back to where it came from, until its runtime shuts down.
template <class Rt>
Task<> udp_echo(BasicUdpSocket<Rt> socket) {
  std::vector<std::byte> buffer(std::size_t{64} * 1024);
  for (;;) {
    const auto received = co_await socket.recv_from(std::span{buffer});
    if (!received && received.result.error() == ECONNREFUSED) continue;  // a client that is gone
    if (!received) co_return;
    const auto datagram = std::span<const std::byte>{buffer}.first(received.result.count());
    (void)co_await socket.send_to(datagram, received.from);  // may be lost, as any datagram
  }
}

}  // namespace reactorlab::scenarios
