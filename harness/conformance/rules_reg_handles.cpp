// REG: how registrations begin and end.

#include <sys/mman.h>

#include <set>

#include "harness/conformance/addresses.hpp"
#include "harness/conformance/far_number.hpp"
#include "harness/conformance/ghost.hpp"
#include "harness/conformance/kit.hpp"

namespace reactorlab::conformance {
namespace {

struct Levels {
  std::uint64_t registrations, waiters, timers;
  friend bool operator==(const Levels&, const Levels&) = default;
};

Levels levels(IRuntime& rt) {
  const RuntimeStats stats = rt.stats();
  return {stats.registrations, stats.waiters, stats.pending_timers};
}

int error_of_borrowing(IRuntime& rt, int fd) {
  try {
    (void)AsyncFd::borrow(rt, fd);
    return 0;
  } catch (const std::system_error& error) {
    return error.code().value();
  }
}

/// No descriptor in the log is closed while the kernel still has it registered. How many were registered.
std::size_t expect_deregistered_before_closed(const Script& script) {
  std::set<int> registered;
  std::size_t count = 0;
  for (const LoggedCall& call : script.log()) {
    if (call.op == sys::Op::close) {
      EXPECT_FALSE(registered.contains(call.fd)) << "descriptor " << call.fd << " was closed before EPOLL_CTL_DEL";
    } else if (call.command == EPOLL_CTL_ADD && call.result == 0) {
      registered.insert(call.fd);
      ++count;
    } else if (call.command == EPOLL_CTL_DEL && call.result == 0) {
      registered.erase(call.fd);
    }
  }
  return count;
}

/// Registers one of its ends for good.
AsyncFd owned(IRuntime& rt, Pair& pair) { return AsyncFd::own(rt, pair.ours.release()); }

}  // namespace

// --- REG-09 -------------------------------------------------------------------------------------------------------------------

RULE(REG_09, bad_descriptors) {
  IRuntime& rt = runtime();
  const Fd regular{checked(::memfd_create("regular", MFD_CLOEXEC), "memfd_create")};
  Pair pair = socket_pair();
  const int closed = at_far_number(pair.ours).get();  // free again by the end of this line
  const Levels before = levels(rt);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(error_of_borrowing(rt, -1), EBADF);
    EXPECT_EQ(error_of_borrowing(rt, closed), EBADF);
    EXPECT_EQ(error_of_borrowing(rt, regular.get()), EPERM);
    EXPECT_EQ(TcpStream::adopt(rt.ref(), closed).error(), EBADF);
  }
  EXPECT_EQ(levels(rt), before);
  EXPECT_EQ(error_of_borrowing(rt, pair.ours.get()), 0);
}

RULE(REG_09, kernel_out_of_memory) {
  constexpr unsigned times = 5'000;
  Script script;
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  const Levels before = levels(rt);
  script.fail(sys::Op::epoll_ctl, fd, ENOMEM, 1, times);
  script.fail(sys::Op::epoll_ctl, fd, ENOSPC, times + 1, times);
  for (unsigned i = 0; i < 2 * times; ++i) EXPECT_EQ(error_of_borrowing(rt, fd), i < times ? ENOMEM : ENOSPC);
  EXPECT_EQ(levels(rt), before);

  auto handle = AsyncFd::borrow(rt, fd);
  put(pair.peer.get(), "x");
  const auto waiting = [&]() -> Task<IoResult> { co_return co_await next_edge<Direction::read>(handle); };
  EXPECT_EQ(rt.block_on(waiting()), IoResult{0});
}

// --- REG-12 -------------------------------------------------------------------------------------------------------------------

RULE(REG_12, status_flags) {
  IRuntime& rt = runtime();
  Pair pipe = pipe_to_read();
  const int fd = pipe.ours.get();
  checked(::fcntl(fd, F_SETFL, O_APPEND), "fcntl");
  const int before = checked(::fcntl(fd, F_GETFL), "fcntl");
  ASSERT_EQ(before & (O_APPEND | O_NONBLOCK), O_APPEND);
  auto handle = AsyncFd::borrow(rt, fd);
  EXPECT_EQ(checked(::fcntl(fd, F_GETFL), "fcntl"), before | O_NONBLOCK);
}

RULE(REG_12, empty_read_blocks_nobody) {
  IRuntime& rt = runtime();
  Pair pipe = pipe_to_read();
  set_nonblocking(pipe.ours.get(), false);
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, pipe.ours.get());
    std::byte byte;
    const auto read = [&]() -> Task<IoResult> { co_return co_await handle.read({&byte, 1}); };
    auto reader = rt.spawn(read());
    co_await waiters_are(rt, 1);
    for (int i = 0; i < 100; ++i) co_await yield();
    EXPECT_FALSE(reader.done());
    put(pipe.peer.get(), "x");
    EXPECT_EQ(co_await reader, IoResult{1});
  }());
}

// --- REG-13 -------------------------------------------------------------------------------------------------------------------

RULE(REG_13, slots_follow_the_most_ever_open) {
  Script script;
  IRuntime& rt = runtime();
  const Levels before = levels(rt);
  std::uint32_t highest = 0;
  const auto open = [&](std::size_t count) {
    std::vector<Pair> pairs;
    std::vector<AsyncFd> handles;
    for (std::size_t i = 0; i < count; ++i) {
      pairs.push_back(socket_pair());
      const int fd = pairs.back().ours.get();
      handles.push_back(owned(rt, pairs.back()));
      highest = std::max(highest, slot_of(script.token_of(fd)));
    }
    EXPECT_EQ(rt.stats().registrations, before.registrations + count);
  };
  open(3);
  EXPECT_EQ(levels(rt), before);
  open(1'000);
  EXPECT_EQ(levels(rt), before);
  const std::uint32_t highest_with_a_thousand = highest;
  for (int i = 0; i < 20'000; ++i) open(1);
  EXPECT_EQ(levels(rt), before);
  EXPECT_EQ(highest, highest_with_a_thousand) << "new slots although old ones are free";
}

RULE(REG_13, parked_operations) {
  IRuntime& rt = runtime();
  const Levels before = levels(rt);
  rt.block_on([&]() -> Task<> {
    for (int round = 0; round < 100; ++round) {
      Pair pair = socket_pair();
      std::optional<AsyncFd> handle = owned(rt, pair);
      const auto wait = [&]() -> Task<IoResult> { co_return co_await next_edge<Direction::read>(*handle); };
      auto first = rt.spawn(wait());
      auto second = rt.spawn(wait());
      co_await waiters_are(rt, 2);
      handle->close();
      EXPECT_EQ(co_await first, IoResult{-EBADF});
      EXPECT_EQ(co_await second, IoResult{-EBADF});
    }
  }());
  EXPECT_EQ(levels(rt), before);
}

RULE(REG_13, closed_behind_our_back) {
  IRuntime& rt = runtime();
  const Levels before = levels(rt);
  for (int i = 0; i < 100; ++i) {
    Pair pair = socket_pair();
    auto handle = AsyncFd::borrow(rt, pair.ours.get());
    pair.ours.close();
  }
  EXPECT_EQ(levels(rt), before);
}

RULE(REG_13, kernel_refuses_the_removal) {
  Script script;
  IRuntime& rt = runtime();
  const Levels before = levels(rt);
  script.on(sys::Op::epoll_ctl, Script::any_fd,
            [](sys::Call& call) { return call.command == EPOLL_CTL_DEL ? std::optional<long>{-ENOENT} : std::nullopt; });
  for (int i = 0; i < 100; ++i) {
    Pair pair = socket_pair();
    auto handle = owned(rt, pair);
  }
  EXPECT_EQ(levels(rt), before);
}

// --- REG-14 -------------------------------------------------------------------------------------------------------------------

RULE(REG_14, destructor_close_and_assignment) {
  Script script{sys::Op::epoll_ctl, sys::Op::close};
  IRuntime& rt = runtime();
  Pair a = socket_pair(), b = socket_pair(), c = socket_pair(), d = tcp_pair();
  {
    auto closed = owned(rt, a);
    closed.close();
    auto assigned = owned(rt, b);
    assigned = owned(rt, c);
    auto stream = TcpStream::adopt(rt.ref(), d.ours.release()).take();
  }
  EXPECT_GE(expect_deregistered_before_closed(script), 4u);
}

RULE(REG_14, cancelled_task) {
  Script script{sys::Op::epoll_ctl, sys::Op::close};
  IRuntime& rt = runtime();
  Pair pair = tcp_pair();
  rt.block_on([&]() -> Task<> {
    const auto serve = [&](int fd) -> Task<> {
      auto stream = TcpStream::adopt(rt.ref(), fd).take();
      std::byte byte;
      (void)co_await stream.read({&byte, 1});
    };
    auto task = rt.spawn(serve(pair.ours.release()));
    co_await waiters_are(rt, 1);
    task.cancel();
    EXPECT_THROW(co_await task, TaskCancelled);
  }());
  EXPECT_GE(expect_deregistered_before_closed(script), 1u);
}

RULE(REG_14, cancelled_connect) {
  Script script{sys::Op::epoll_ctl, sys::Op::close};
  IRuntime& rt = runtime();
  Listening full = listening(0);
  const Fd in_the_queue = connect_to(full.address);  // there is no room for a second one
  rt.block_on([&]() -> Task<> {
    auto task = rt.spawn(TcpStream::connect(rt, SocketAddress::loopback(ntohs(full.address.sin_port))));
    co_await waiters_are(rt, 1);
    task.cancel();
    EXPECT_THROW((void)co_await task, TaskCancelled);
  }());
  EXPECT_GE(expect_deregistered_before_closed(script), 1u);
}

RULE(REG_14, failed_connect) {
  Script script{sys::Op::epoll_ctl, sys::Op::close};
  IRuntime& rt = runtime();
  const RefusingPort port;
  rt.block_on([&]() -> Task<> { EXPECT_EQ((co_await TcpStream::connect(rt, port.address())).error(), ECONNREFUSED); }());
  EXPECT_GE(expect_deregistered_before_closed(script), 1u);
}

RULE(REG_14, shutdown) {
  Script script{sys::Op::epoll_ctl, sys::Op::close};
  IRuntime& rt = runtime();
  Pair pair = tcp_pair();
  const auto serve = [&](int fd) -> Task<> {
    auto stream = TcpStream::adopt(rt.ref(), fd).take();
    std::byte byte;
    (void)co_await stream.read({&byte, 1});
  };
  rt.spawn(serve(pair.ours.release())).detach();
  rt.block_on(waiters_are(rt, 1));
  rt.shutdown(Duration::zero());
  EXPECT_GE(expect_deregistered_before_closed(script), 1u);
}

}  // namespace reactorlab::conformance
