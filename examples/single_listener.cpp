// The smallest use of a reactor: it watches one listening socket. Each time the kernel says "readable", the loop below
// goes on, takes the connection, prints where it comes from and drops it.
//
//   single_listener --port=7000      then, elsewhere: nc 127.0.0.1 7000

#include <cstdint>

#include "examples/command_line.hpp"

using namespace reactorlab;

namespace {

/// Takes `connections` of them; 0: goes on for ever.
Task<> greet(TcpListener& listener, unsigned connections) {
  for (unsigned taken = 0; connections == 0 || taken < connections; ++taken) {
    // accept() is tried first. Only if the queue is empty does this task park in the reactor, and the thread asks the
    // kernel.
    Outcome<TcpStream> stream = co_await listener.accept();
    if (!stream) throw std::system_error{stream.error_code(), "accept"};
    fmt::print("a connection from {}\n", stream->peer_address().to_string());
  }  // the stream goes out of scope here: deregistered, then closed
}

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  unsigned connections = 0;
  examples::CommandLine line{"Accepts connections and prints where they come from."};
  line.app.add_option("--port", port, "on 127.0.0.1; 0: the kernel chooses")->capture_default_str();
  line.app.add_option("--connections", connections, "how many, then end; 0: never")->capture_default_str();

  return line.run(argc, argv, [&](IRuntime& runtime) {
    TcpListener listener = TcpListener::bind(runtime, SocketAddress::loopback(port));
    fmt::print("listening on {}\n", listener.local_address().to_string());
    runtime.block_on(greet(listener, connections));

    const RuntimeStats stats = runtime.stats();
    fmt::print("{} events in {} turns of the reactor\n", stats.events, stats.turns);
    return 0;
  });
}
