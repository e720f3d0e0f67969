// NET: names of Unix sockets, and binding.

#include <stdlib.h>

#include <filesystem>

#include "harness/conformance/addresses.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {
namespace {

/// A folder of its own, gone with all that is in it.
class Folder {
 public:
  Folder() {
    std::string pattern = ::testing::TempDir() + "conformance-XXXXXX";
    if (!::mkdtemp(pattern.data())) throw std::system_error{errno, std::system_category(), pattern};
    path_ = pattern + "/";
  }
  Folder(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  /// A path of exactly that many bytes, that ends with `last`.
  std::string path_of(std::size_t size, char last) const { return path_ + std::string(size - path_.size() - 1, 'p') + last; }

 private:
  std::string path_;
};

/// The error that `make` throws, or 0.
template <class Make>
int thrown_by(Make make) {
  try {
    (void)make();
  } catch (const std::system_error& error) {
    return error.code().value();
  }
  return 0;
}

/// Listeners on both names; who connects to one of them reaches that one, under exactly that name.
Task<> expect_told_apart(IRuntime& rt, UnixAddress one, UnixAddress other) {
  auto first = UnixListener::bind(rt, one), second = UnixListener::bind(rt, other);
  for (UnixListener* const listener : {&first, &second}) {
    const UnixAddress& name = listener == &first ? one : other;
    EXPECT_EQ(listener->local_address(), name) << listener->local_address().to_string();
    auto client = (co_await UnixStream::connect(rt, name)).take();
    EXPECT_EQ(client.peer_address(), name) << client.peer_address().to_string();
    EXPECT_EQ(client.peer_address().name().size(), name.name().size());
    auto server = (co_await listener->accept()).take();
    EXPECT_EQ(co_await client.write_all(bytes_of("x")), IoResult{1});
    std::byte byte;
    EXPECT_EQ(co_await server.read({&byte, 1}), IoResult{1});
  }
}

/// Until its frame is destroyed: unlike an accept, this wait isn't ended by a shutdown.
Task<> holds_a_listener(TcpListener, AutoResetEvent& holds_it, AutoResetEvent& never) {
  holds_it.set();
  co_await never.wait();
}

}  // namespace

// --- NET-23 -------------------------------------------------------------------------------------------------------------------

RULE(NET_23, paths) {
  constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
  IRuntime& rt = runtime();
  const Folder folder;
  const auto path_of = [&](std::size_t size, char last) { return UnixAddress::path(folder.path_of(size, last)); };
  rt.block_on(expect_told_apart(rt, path_of(longest, 'a'), path_of(longest, 'b')));
  for (const std::size_t size : {longest + 1, longest + 2}) {
    EXPECT_EQ(thrown_by([&] { return path_of(size, 'a'); }), ENAMETOOLONG) << size;
  }
  EXPECT_EQ(thrown_by([] { return UnixAddress::path(""); }), EINVAL);
  EXPECT_EQ(thrown_by([] { return UnixAddress::path(std::string_view{"a\0b", 3}); }), EINVAL);
}

RULE(NET_23, abstract_names) {
  constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
  IRuntime& rt = runtime();
  const std::string unique = "conformance-" + std::to_string(::getpid());
  const auto name = [&](std::string_view rest) { return UnixAddress::abstract(unique + std::string{rest}); };
  rt.block_on(expect_told_apart(rt, name({"\0a", 2}), name({"\0b", 2})));
  rt.block_on(expect_told_apart(rt, name("a"), name({"a\0", 2})));
  const std::string filler(longest - unique.size() - 1, 'n');
  rt.block_on(expect_told_apart(rt, name(filler + "a"), name(filler + "b")));
  EXPECT_EQ(thrown_by([&] { return name(filler + "ab"); }), ENAMETOOLONG);
}

// --- NET-24 -------------------------------------------------------------------------------------------------------------------

RULE(NET_24, refused_exactly) {
  Script script;
  IRuntime& rt = runtime();
  const auto first = TcpListener::bind(rt, SocketAddress::loopback(0));
  const auto bind_to = [&](SocketAddress address) { return thrown_by([&] { return TcpListener::bind(rt, address); }); };
  EXPECT_EQ(bind_to(first.local_address()), EADDRINUSE);
  EXPECT_EQ(bind_to(SocketAddress::parse("192.0.2.1:0")), EADDRNOTAVAIL);
  for (const sys::Op op : {sys::Op::socket, sys::Op::bind, sys::Op::listen, sys::Op::epoll_ctl}) {
    for (const int error : {EACCES, EADDRINUSE, ENOMEM}) {
      script.fail(op, Script::any_fd, error);
      EXPECT_EQ(bind_to(SocketAddress::loopback(0)), error);
    }
  }
  const auto socket = UdpSocket::bind(rt, SocketAddress::loopback(0));
  EXPECT_EQ(thrown_by([&] { return UdpSocket::bind(rt, socket.local_address()); }), EADDRINUSE);
  EXPECT_EQ(rt.stats().registrations, 2u);
}

RULE(NET_24, free_when_its_owner_is_gone) {
  AutoResetEvent holds_it, never;
  IRuntime& rt = runtime();
  auto listener = TcpListener::bind(rt, own_loopback());
  const SocketAddress address = listener.local_address();
  listener.close();
  auto again = TcpListener::bind(rt, address);
  rt.block_on([&]() -> Task<> {
    rt.spawn(holds_a_listener(std::move(again), holds_it, never)).detach();
    co_await holds_it.wait();
  }());
  end_runtime();
  EXPECT_EQ(TcpListener::bind(runtime(), address).local_address(), address);
}

}  // namespace reactorlab::conformance
