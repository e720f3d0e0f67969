// The runtime at work, through the installed library: one round of an echo over a real connection.

#include <cstdio>
#include <span>
#include <string_view>

#include "core/reactorlab.hpp"
#include "member_home.hpp"

using namespace reactorlab;

namespace {

Task<> echo(TcpListener& listener) {
  TcpStream stream = (co_await listener.accept()).take();
  while (const Lease lease = co_await stream.read_lease()) (void)co_await stream.write_all(lease);
}

Task<bool> talk(IRuntime& runtime, std::string_view words) {
  TcpListener listener = TcpListener::bind(runtime, SocketAddress::loopback(0));
  JoinHandle<void> server = runtime.spawn(echo(listener));
  TcpStream client = (co_await TcpStream::connect(runtime, listener.local_address())).take();
  (void)co_await client.write_all(std::as_bytes(std::span{words}));
  const Lease answer = co_await client.read_lease();
  client.close();
  co_await server;
  co_return std::string_view{reinterpret_cast<const char*>(answer.data()), answer.size()} == words;
}

}  // namespace

int main() {
  custom::MemberRuntime runtime{RuntimeOptions{}};
  const bool same = runtime.block_on(talk(runtime, "hello"));
  std::printf("%s: %s\n", runtime.info().name.data(), same ? "echoed" : "something else came back");
  return same ? 0 : 1;
}
