// RDY: hang-ups, half-closed peers, ends of streams, and bytes that a read leaves behind.

#include <sys/socket.h>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {

// --- RDY-15 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(RDY_15, scripted) {
  Script script;
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  for (const std::uint32_t mask : {std::uint32_t{EPOLLHUP}, std::uint32_t{EPOLLERR}}) {
    Pair pair = socket_pair();
    fill(pair.ours.get());
    rt.block_on([&]() -> Task<> {
      auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get(), Interest::both);
      const auto reads = [&]() -> Task<> { EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0}); };
      const auto writes = [&]() -> Task<> { EXPECT_EQ(co_await next_edge<Direction::write>(handle), IoResult{0}); };
      auto reader = co_await spawn_parked(rt, points, reads());
      auto writer = co_await spawn_parked(rt, points, writes());
      script.inject_edge(pair.ours.get(), mask);
      co_await reader;
      co_await writer;
    }());
  }
}

BOTH_FORMS_RULE(RDY_15, pipe_whose_writer_closes) {
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = pipe_to_read();
  rt.block_on([&]() -> Task<> {
    auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
    const auto reads = [&]() -> Task<> {
      std::byte byte;
      EXPECT_EQ(co_await handle.read({&byte, 1}), IoResult{0});
    };
    auto reader = co_await spawn_parked(rt, points, reads());
    pair.peer.close();
    co_await reader;
  }());
}

BOTH_FORMS_RULE(RDY_15, pipe_whose_reader_closes) {
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = pipe_to_write();
  const std::string block(4096, 'f');
  while (::write(pair.ours.get(), block.data(), block.size()) > 0) {
  }
  rt.block_on([&]() -> Task<> {
    auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get(), Interest::write);
    const auto writes = [&]() -> Task<> { EXPECT_EQ(co_await handle.write(bytes_of("x")), IoResult{-EPIPE}); };
    auto writer = co_await spawn_parked(rt, points, writes());
    pair.peer.close();
    co_await writer;
  }());
}

BOTH_FORMS_RULE(RDY_15, refused_connect) {
  Script script;
  Rt& rt = runtime<Rt>();
  Listening nobody = listening();
  nobody.fd.close();
  // The refusal is there before the first look; told to wait, it is found through its edge.
  script.answer(sys::Op::poll, Script::any_fd, 0);
  rt.block_on([&]() -> Task<> {
    auto stream = co_await BasicTcpStream<Rt>::connect(rt, SocketAddress::loopback(ntohs(nobody.address.sin_port)));
    EXPECT_EQ(stream.error(), ECONNREFUSED);
  }());
}

// --- RDY-16 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(RDY_16, writer_to_a_half_closed_peer) {
  Script script{sys::Op::send};
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  fill(fd);
  checked(::shutdown(pair.peer.get(), SHUT_WR), "shutdown");
  script.answer(sys::Op::send, fd, -EPIPE, 100);  // the end of a writer that spins
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    const auto writes = [&]() -> Task<> { EXPECT_EQ(co_await stream.write_all(bytes_of("x")), IoResult{1}); };
    auto writer = co_await spawn_parked(rt, points, writes());
    std::byte byte;
    EXPECT_EQ(co_await stream.read({&byte, 1}), IoResult{0});
    for (int turn = 0; turn < 3; ++turn) co_await events_dispatched(rt);
    EXPECT_EQ(script.count(sys::Op::send, fd), 1u) << "attempts while the buffer was full";
    drain(pair.peer.get());
    co_await writer;
    EXPECT_EQ(script.count(sys::Op::send, fd), 2u);
  }());
}

// --- RDY-17 -------------------------------------------------------------------------------------------------------------------

/// Until the peer's bytes and its end have both arrived.
void wait_for_the_end(int fd) {
  pollfd entry{fd, POLLRDHUP, 0};
  checked(::poll(&entry, 1, -1), "poll");
}

BOTH_FORMS_RULE(RDY_17, the_end_comes_with_the_last_bytes) {
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  for (const bool waits : {false, true}) {
    Pair pair = tcp_pair();
    const int fd = pair.ours.get();
    const auto last_words = [&] {
      put(pair.peer.get(), "end");
      pair.peer.close();
      wait_for_the_end(fd);
    };
    rt.block_on([&]() -> Task<> {
      auto stream = stream_over(rt, std::move(pair.ours));
      if (waits) points.at(SyncPoint::io_parked, last_words);
      if (!waits) last_words();
      std::byte buffer[64];
      EXPECT_EQ(co_await stream.read(buffer), IoResult{3});
      for (int again = 0; again < 3; ++again) EXPECT_EQ(co_await stream.read(buffer), IoResult{0});
    }());
  }
}

BOTH_FORMS_RULE(RDY_17, every_wait_finds_the_end) {
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  pair.peer.close();
  rt.block_on([&]() -> Task<> {
    auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get(), Interest::both);
    for (int again = 0; again < 3; ++again) {
      EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0});
      EXPECT_EQ(co_await next_edge<Direction::write>(handle), IoResult{0});
    }
  }());
}

BOTH_FORMS_RULE(RDY_17, bytes_are_no_end) {
  Script script{sys::Op::recv};
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = tcp_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    const auto reads = [&]() -> Task<> {
      std::byte buffer[64];
      for (int i = 0; i < 2; ++i) EXPECT_EQ(co_await stream.read(buffer), IoResult{1});
    };
    auto reader = co_await spawn_parked(rt, points, reads());
    AutoResetEvent parked_again;
    points.at(SyncPoint::io_parked, [&] { parked_again.set(); });
    put(pair.peer.get(), "x");
    co_await parked_again.wait();
    EXPECT_EQ(script.count(sys::Op::recv, fd), 2u) << "would-block, the byte, and none before it parked again";
    EXPECT_EQ(rt.stats().waiters, 1u);
    put(pair.peer.get(), "x");
    co_await reader;
    EXPECT_EQ(script.count(sys::Op::recv, fd), 3u);
  }());
}

// --- RDY-21 -------------------------------------------------------------------------------------------------------------------

/// Reads with plenty of room until that many bytes have come.
template <class Handle>
Task<std::string> read_in_pieces(Handle& handle, std::size_t size) {
  std::string got;
  while (got.size() < size) {
    std::byte buffer[64];
    const IoResult n = co_await handle.read(buffer);
    if (!n || n.count() == 0) break;
    got += text_of({buffer, n.count()});
  }
  co_return got;
}

/// The reader waits; then everything is written before it is woken, where that can be had.
template <class Rt, class Handle, class Write>
Task<> read_what_is_written_in_one_go(Rt& rt, SyncPoints& points, Handle& handle, std::string text, Write write) {
  const auto reads = [&]() -> Task<> { EXPECT_EQ(co_await read_in_pieces(handle, text.size()), text); };
  auto reader = co_await spawn_parked(rt, points, reads());
  write();
  co_await reader;
}

void write_with_an_urgent_byte(int fd) {
  put(fd, "abc");
  checked(::send(fd, "!", 1, MSG_OOB), "send urgent");
  put(fd, "def");
}

BOTH_FORMS_RULE(RDY_21, urgent_byte_in_a_stream) {
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = tcp_pair();
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    co_await read_what_is_written_in_one_go(rt, points, stream, "abcdef", [&] { write_with_an_urgent_byte(pair.peer.get()); });
  }());
}

BOTH_FORMS_RULE(RDY_21, urgent_byte_in_a_descriptor) {
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = tcp_pair();
  rt.block_on([&]() -> Task<> {
    auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
    co_await read_what_is_written_in_one_go(rt, points, handle, "abcdef", [&] { write_with_an_urgent_byte(pair.peer.get()); });
  }());
}

/// One byte of text with a descriptor attached.
void send_descriptor(int socket, int attached) {
  char byte = '+';
  iovec part{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof attached)] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr& header = *CMSG_FIRSTHDR(&message);
  header.cmsg_level = SOL_SOCKET;
  header.cmsg_type = SCM_RIGHTS;
  header.cmsg_len = CMSG_LEN(sizeof attached);
  std::memcpy(CMSG_DATA(&header), &attached, sizeof attached);
  checked(::sendmsg(socket, &message, 0), "sendmsg");
}

BOTH_FORMS_RULE(RDY_21, descriptors_between_bytes) {
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  const Fd attached = event_fd();
  rt.block_on([&]() -> Task<> {
    auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
    co_await read_what_is_written_in_one_go(rt, points, handle, "abc+def", [&] {
      put(pair.peer.get(), "abc");
      send_descriptor(pair.peer.get(), attached.get());
      put(pair.peer.get(), "def");
    });
  }());
}

BOTH_FORMS_RULE(RDY_21, packets_in_a_pipe) {
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  int fds[2];
  checked(::pipe2(fds, O_CLOEXEC | O_DIRECT), "pipe2");
  Pair pair{Fd{fds[0]}, Fd{fds[1]}};
  rt.block_on([&]() -> Task<> {
    auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
    co_await read_what_is_written_in_one_go(rt, points, handle, "abcdef", [&] {
      put(pair.peer.get(), "abc");
      put(pair.peer.get(), "def");
    });
  }());
}

}  // namespace reactorlab::conformance
