// Many sockets, one reactor: a task for each connection, each waiting for its own socket. In an event loop by hand
// there would be a table from tokens to streams and a big switch; here the table is the reactor's, and what a
// connection remembers is the local variables of its task.
//
//   multi_echo --port=7000           then, in several terminals: nc 127.0.0.1 7000

#include <cstdint>

#include "examples/command_line.hpp"

using namespace reactorlab;

namespace {

Task<> echo(TcpStream stream) {
  const std::string client = stream.peer_address().to_string();
  fmt::print("{} is here\n", client);
  std::size_t bytes = 0;
  // A lease is a buffer on loan. A connection that waits has none, however many there are. Empty: the client has left.
  while (const Lease lease = co_await stream.read_lease()) {
    if (!co_await stream.write_all(lease)) break;
    bytes += lease.size();
  }
  fmt::print("{} has left after {} bytes\n", client, bytes);
}

/// Serves `connections` of them to their ends; 0: goes on for ever.
Task<> serve(IRuntime& runtime, TcpListener listener, unsigned connections) {
  std::vector<JoinHandle<void>> echoes;
  for (unsigned taken = 0; connections == 0 || taken < connections; ++taken) {
    Outcome<TcpStream> stream = co_await listener.accept();
    if (!stream) throw std::system_error{stream.error_code(), "accept"};
    JoinHandle<void> task = runtime.spawn(echo(*std::move(stream)));
    if (connections != 0) echoes.push_back(std::move(task));  // else dropped: the task goes on alone
  }
  for (JoinHandle<void>& task : echoes) co_await task;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  unsigned connections = 0;
  examples::CommandLine line{"Sends back what comes, to any number of clients at once."};
  line.app.add_option("--port", port, "on 127.0.0.1; 0: the kernel chooses")->capture_default_str();
  line.app.add_option("--connections", connections, "how many, then end; 0: never")->capture_default_str();

  return line.run(argc, argv, [&](IRuntime& runtime) {
    TcpListener listener = TcpListener::bind(runtime, SocketAddress::loopback(port));
    fmt::print("listening on {}\n", listener.local_address().to_string());
    runtime.block_on(serve(runtime, std::move(listener), connections));
    return 0;
  });
}
