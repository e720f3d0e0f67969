// Clean-up, to be watched: how many sockets the reactor knows (registrations) and how many tasks it would wake
// (waiters), after each step. Both must be 0 in the end, and wakers that are used too late must do nothing.
//
//   deregistration --port=7000 --connections=2      then connect two clients with nc 127.0.0.1 7000, and end them with
//   ^D

#include <cstdint>

#include "examples/command_line.hpp"

using namespace reactorlab;

namespace {

/// Of a runtime with one worker, on that worker: exact, since all other tasks are asleep.
void print_map(IRuntime& runtime, std::string_view when) {
  const RuntimeStats stats = runtime.stats();
  fmt::print("{}: {} registrations, {} waiters\n", when, stats.registrations, stats.waiters);
}

/// Reads until the client leaves. Leaves the waker of this task behind, which by then is stale.
Task<> swallow(IRuntime& runtime, TcpStream stream, std::vector<Waker>& wakers) {
  TaskHeader& me = co_await current_task();
  wakers.emplace_back(me);
  while (const Lease lease = co_await stream.read_lease()) {
  }
  stream.close();  // deregistered, then closed: from here on no event can name this socket
  print_map(runtime, "left");
}

Task<> serve(IRuntime& runtime, TcpListener listener, unsigned connections, std::vector<Waker>& wakers) {
  print_map(runtime, "listening");
  std::vector<JoinHandle<void>> sessions;
  while (sessions.size() < connections) {
    Outcome<TcpStream> stream = co_await listener.accept();
    if (!stream) throw std::system_error{stream.error_code(), "accept"};
    sessions.push_back(runtime.spawn(swallow(runtime, *std::move(stream), wakers)));
    co_await yield();  // lets the new task run until it waits for its client
    print_map(runtime, "connected");
  }
  listener.close();
  print_map(runtime, "listener closed");
  for (JoinHandle<void>& session : sessions) co_await session;
}

/// A waker names its task by place and generation. These tasks are gone, so there is nobody to be woken.
Task<> wake_too_late(const std::vector<Waker>& wakers) {
  for (const Waker& waker : wakers) waker.wake();
  fmt::print("{} wakes came too late\n", wakers.size());
  co_return;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  unsigned connections = 3;
  examples::CommandLine line{"Prints the size of the reactor's map while clients come and go."};
  line.app.add_option("--port", port, "on 127.0.0.1; 0: the kernel chooses")->capture_default_str();
  line.app.add_option("--connections", connections, "how many, then end")->capture_default_str();

  return line.run(argc, argv, [&](IRuntime& runtime) {
    std::vector<Waker> wakers;
    TcpListener listener = TcpListener::bind(runtime, SocketAddress::loopback(port));
    fmt::print("listening on {}\n", listener.local_address().to_string());
    runtime.block_on(serve(runtime, std::move(listener), connections, wakers));
    runtime.block_on(wake_too_late(wakers));

    print_map(runtime, "end");
    const RuntimeStats stats = runtime.stats();
    return stats.registrations == 0 && stats.waiters == 0 ? 0 : 1;  // 1: something leaked
  });
}
