// Connecting, to somebody, to nobody and to somebody who doesn't answer; timeouts; datagrams, UDP and Unix.

#include <array>

#include "harness/conformance/addresses.hpp"
#include "harness/conformance/sweep.hpp"
#include "harness/conformance/tasks.hpp"

namespace reactorlab::conformance {
namespace {

using namespace std::chrono_literals;

Task<> connects(SweepRun& run, const Listening& server, const RefusingPort& refusing, const SilentPort& silent) {
  IRuntime& rt = run.runtime();
  if (Outcome<TcpStream> stream = co_await TcpStream::connect(rt, address_of(server)); !stream) {
    run.saw(stream.error());
  } else {
    const Fd peer{::accept4(server.fd.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (stream->peer_address() != address_of(server)) run.saw(0);
    std::array<std::byte, 8> buffer;
    run.check(co_await timeout(rt, 1s, stream->read(buffer)), -ETIME, "a read of nothing");
    if (run.check(co_await stream->write_all(bytes_of("hello")), 5, "write_all"))
      run.expect(take(peer.get(), 5) == "hello", "bytes");
  }
  if (Outcome<TcpStream> nobody = co_await TcpStream::connect(rt, refusing.address()); nobody) {
    run.fail("a port on which nobody listens is connected");
  } else {
    run.check(-nobody.error(), -ECONNREFUSED, "a refusing port");
  }
  const std::optional<Outcome<TcpStream>> unanswered = co_await timeout(rt, 5s, TcpStream::connect(rt, silent.address()));
  if (unanswered) run.check(-unanswered->error(), -ETIME, "a silent port");
}

Task<> datagrams(SweepRun& run) {
  IRuntime& rt = run.runtime();
  auto one = UdpSocket::bind(rt, SocketAddress::loopback(0));
  auto other = UdpSocket::bind(rt, SocketAddress::loopback(0));
  const SocketAddress here = one.local_address(), there = other.local_address();
  if (here.port() == 0 || there.port() == 0) co_return run.saw(0);

  // What an error keeps from being sent doesn't come, so nobody waits for it without a limit.
  std::array<std::byte, 16> buffer;
  if (run.check(co_await one.send_to(bytes_of("ask"), there), 3, "send_to")) {
    const auto asked = co_await timeout(rt, 1s, other.recv_from(buffer));
    if (run.check(asked.result, 3, "recv_from")) run.expect(asked.from == here, "sender");
  }
  if (!run.check(other.connect(here), 0, "connect of a datagram socket")) co_return;
  if (run.check(co_await other.send(bytes_of("answer")), 6, "send")) {
    const Received answered = co_await timeout(rt, 1s, one.recv(buffer));
    run.check(answered.result, 6, "recv");
  }
  const Received nothing = co_await timeout(rt, 1s, one.recv(buffer));
  run.check(nothing.result, -ETIME, "a datagram that nobody sent");
}

/// A Unix datagram socket whose queue is full; the test's own.
class FullQueue {
 public:
  FullQueue() {
    const sa_family_t any_name = AF_UNIX;
    checked(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&any_name), sizeof any_name), "bind");
    const Fd sender{checked(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket")};
    const UnixAddress here = address();
    while (::sendto(sender.get(), "f", 1, MSG_DONTWAIT, here.data(), here.size()) == 1) {
    }
  }
  UnixAddress address() const { return bound_address<UnixAddress>(fd_.get()); }
  void make_room() const { (void)drain(fd_.get()); }

 private:
  Fd fd_{checked(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket")};
};

/// Room is made while somebody waits for it. (With several workers it may come before that, which is no harm.)
Task<> waits_for_room(SweepRun& run) {
  IRuntime& rt = run.runtime();
  const FullQueue peer;
  auto sender = UnixDatagram::unbound(rt);
  auto waits = rt.spawn(sender.room_at(peer.address()));
  co_await others_polled();
  peer.make_room();
  run.check(co_await waits, 0, "room_at");
  run.check(co_await sender.send_to(bytes_of("x"), peer.address()), 1, "send_to a Unix socket");
}

Task<> everything(SweepRun& run, const Listening& server, const RefusingPort& refusing, const SilentPort& silent) {
  co_await run.guarded(connects(run, server, refusing, silent));
  run.check(co_await sleep(run.runtime(), 1h), 0, "sleep");
  co_await run.guarded(datagrams(run));
  co_await run.guarded(waits_for_room(run));
}

}  // namespace

void sweep_connect(SweepRun& run) {
  const Listening server = listening();
  const RefusingPort refusing;
  const SilentPort silent;
  run.runtime().block_on(everything(run, server, refusing, silent));
}

}  // namespace reactorlab::conformance
