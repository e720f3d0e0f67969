// TCP: accept, echo, half-close, several connections at once.

#include <array>
#include <thread>

#include "harness/conformance/addresses.hpp"
#include "harness/conformance/sweep.hpp"

namespace reactorlab::conformance {
namespace {

constexpr unsigned connections = 3;
constexpr std::string_view message = "what is sent comes back";

/// Blocking clients on a thread of their own: all connect, send and half-close, then each reads to the end.
class Clients {
 public:
  Clients(const SocketAddress& server, AutoResetEvent& done)
      : thread_{[this, server, &done] {
          visit(server);
          done.set();
        }} {}
  ~Clients() { thread_.join(); }
  Clients(const Clients&) = delete;

  /// Once done.
  bool all_answered() const noexcept { return answered_ == connections; }

 private:
  void visit(const SocketAddress& server) {
    std::array<Fd, connections> clients;
    const SocketAddress mine = own_loopback();  // connections that linger keep no port from others
    for (Fd& client : clients) {
      client = Fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
      ::bind(client.get(), mine.data(), mine.size());
      if (::connect(client.get(), server.data(), server.size()) < 0) continue;
      (void)::send(client.get(), message.data(), message.size(), MSG_NOSIGNAL);
      ::shutdown(client.get(), SHUT_WR);
    }
    for (const Fd& client : clients) {
      std::string answer(message.size() + 1, '\0');
      answer.resize(
          static_cast<std::size_t>(std::max<ssize_t>(0, ::recv(client.get(), answer.data(), answer.size(), MSG_WAITALL))));
      answered_ += answer == message;
    }
  }

  unsigned answered_ = 0;
  std::thread thread_;
};

Task<> echo_spans(SweepRun& run, TcpStream stream) {
  std::array<std::byte, 64> buffer;
  for (;;) {
    const IoResult n = co_await stream.read(buffer);
    if (!n) co_return run.saw(n.error());
    if (n.count() == 0) break;
    const long size = n.value();
    if (!run.check(co_await stream.write_all(std::span{buffer}.first(n.count())), size, "write_all")) co_return;
  }
  run.check(stream.shutdown_write(), 0, "shutdown_write");
}

Task<> echo_leases(SweepRun& run, TcpStream stream) {
  for (;;) {
    const Lease lease = co_await stream.read_lease();
    if (!lease.result()) co_return run.saw(lease.result().error());
    const std::span<const std::byte> bytes = lease.bytes();
    if (bytes.empty()) break;
    iovec parts[] = {{const_cast<std::byte*>(bytes.data()), 1}, {const_cast<std::byte*>(bytes.data()) + 1, bytes.size() - 1}};
    if (!run.check(co_await stream.write_vector(parts), static_cast<long>(bytes.size()), "write_vector")) co_return;
  }
  run.check(stream.shutdown_write(), 0, "shutdown_write");
}

/// Until it is cancelled: one connection's errors, and a shortage, don't end it.
Task<> accept_all(SweepRun& run, TcpListener& listener, std::vector<JoinHandle<void>>& served) {
  for (;;) {
    Outcome<TcpStream> accepted = co_await listener.accept();
    if (accepted) {
      const bool leases = served.size() % 2 != 0;
      served.push_back(run.runtime().spawn(leases ? echo_leases(run, accepted.take()) : echo_spans(run, accepted.take())));
    } else {
      run.saw(accepted.error());
    }
  }
}

Task<> serve(SweepRun& run, TcpListener& listener, AutoResetEvent& done) {
  std::vector<JoinHandle<void>> served;
  auto acceptor = run.runtime().spawn(accept_all(run, listener, served));
  co_await done.wait();
  acceptor.cancel();
  try {
    co_await acceptor;
  } catch (const TaskCancelled&) {
  }
  for (auto& task : served) co_await task;
}

}  // namespace

void sweep_echo(SweepRun& run) {
  IRuntime& rt = run.runtime();
  auto listener = TcpListener::bind(rt, own_loopback());
  const SocketAddress address = listener.local_address();
  if (address.port() == 0) return run.saw(0);
  AutoResetEvent done;
  Clients clients{address, done};
  rt.block_on(serve(run, listener, done));
  run.expect(clients.all_answered(), "a client wasn't answered");
}

}  // namespace reactorlab::conformance
