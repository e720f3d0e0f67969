// RDY: edges that come before, while and after somebody parks, and reads that leave something behind.

#include "core/executor.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {

// --- RDY-01 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(RDY_01, edge_before_the_wait) {
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  put(pair.peer.get(), "x");
  rt.block_on([&]() -> Task<> {
    auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
    co_await events_dispatched(rt);
    EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0});
  }());
  EXPECT_EQ(take(pair.ours.get(), 1), "x");
}

BOTH_FORMS_RULE(RDY_01, scripted_edge_before_the_wait) {
  Script script;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
    script.inject_edge(pair.ours.get(), EPOLLIN, false);
    co_await events_dispatched(rt);
    EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0});
  }());
}

// --- RDY-02 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(RDY_02, readable_meanwhile) {
  Script script{sys::Op::recv};
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    points.at(SyncPoint::io_after_would_block, [&] {
      put(pair.peer.get(), "x");
      let_a_turn_happen(rt, script, script.epoll_of(fd));
    });
    std::byte byte;
    EXPECT_EQ(co_await stream.read({&byte, 1}), IoResult{1});
  }());
  EXPECT_EQ(script.count(sys::Op::recv, fd), 2u);
}

BOTH_FORMS_RULE(RDY_02, writable_meanwhile) {
  Script script{sys::Op::send};
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  fill(fd);
  rt.block_on([&]() -> Task<> {
    auto handle = BasicAsyncFd<Rt>::borrow(rt, fd, Interest::both);
    points.at(SyncPoint::io_after_would_block, [&] {
      drain(pair.peer.get());
      let_a_turn_happen(rt, script, script.epoll_of(fd));
    });
    EXPECT_EQ(co_await handle.write(bytes_of("x")), IoResult{1});
  }());
  EXPECT_EQ(script.count(sys::Op::send, fd), 2u);
}

// --- RDY-05 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(RDY_05, around_the_store) {
  Script script;
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto handle = BasicAsyncFd<Rt>::borrow(rt, fd);
    for (const SyncPoint point : {SyncPoint::io_after_would_block, SyncPoint::io_parked}) {
      points.at(point, [&] {
        put(pair.peer.get(), "x");
        let_a_turn_happen(rt, script, script.epoll_of(fd));
      });
      std::byte byte;
      EXPECT_EQ(co_await handle.read({&byte, 1}), IoResult{1});
    }
  }());
}

BOTH_FORMS_RULE(RDY_05, ping_pong) {
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  set_nonblocking(pair.peer.get(), true);
  const auto side = [](BasicTcpStream<Rt>& stream, bool serves) -> Task<> {
    std::byte ball[1]{};
    for (int stroke = 0; stroke < 2 * 20'000; ++stroke) {
      if (serves == (stroke % 2 == 0)) {
        EXPECT_EQ(co_await stream.write_all(std::span<const std::byte>{ball}), IoResult{1});
      } else {
        EXPECT_EQ(co_await stream.read(ball), IoResult{1});
      }
    }
  };
  rt.block_on([&]() -> Task<> {
    auto one = stream_over(rt, std::move(pair.ours));
    auto other = stream_over(rt, std::move(pair.peer));
    auto returning = rt.spawn(side(other, false));
    co_await side(one, true);
    co_await returning;
  }());
}

// --- RDY-13 -------------------------------------------------------------------------------------------------------------------

BOTH_FORMS_RULE(RDY_13, stream) {
  Rt& rt = runtime<Rt>();
  Pair pair = tcp_pair();
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    put(pair.peer.get(), "0123456789");
    std::string got;
    for (int i = 0; i < 10; ++i) {
      std::byte byte;
      EXPECT_EQ(co_await stream.read({&byte, 1}), IoResult{1});
      got += static_cast<char>(byte);
    }
    EXPECT_EQ(got, "0123456789");
  }());
}

BOTH_FORMS_RULE(RDY_13, descriptor) {
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
    put(pair.peer.get(), "0123456789");
    std::string got;
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(co_await handle.readable(), IoResult{POLLIN});
      std::byte byte;
      EXPECT_EQ(co_await handle.read({&byte, 1}), IoResult{1});
      got += static_cast<char>(byte);
    }
    EXPECT_EQ(got, "0123456789");
  }());
}

// --- RDY-14 -------------------------------------------------------------------------------------------------------------------

/// Reads after would-block, again and again; each byte comes before the reader is parked, and before a turn.
template <class Handle>
Task<> read_what_comes_at_would_block(SyncPoints& points, Handle& handle, int peer) {
  for (int round = 0; round < 100; ++round) {
    points.at(SyncPoint::io_after_would_block, [peer] { put(peer, "x"); });
    std::byte buffer[16];
    EXPECT_EQ(co_await handle.read(buffer), IoResult{1});
  }
}

BOTH_FORMS_RULE(RDY_14, stream) {
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = tcp_pair();
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    co_await read_what_comes_at_would_block(points, stream, pair.peer.get());
  }());
}

BOTH_FORMS_RULE(RDY_14, descriptor) {
  SyncPoints points;
  Rt& rt = runtime<Rt>();
  Pair pair = pipe_to_read();
  rt.block_on([&]() -> Task<> {
    auto handle = BasicAsyncFd<Rt>::borrow(rt, pair.ours.get());
    co_await read_what_comes_at_would_block(points, handle, pair.peer.get());
  }());
}

// --- RDY-20 -------------------------------------------------------------------------------------------------------------------

/// The operation of a request, and how often it suspended its task.
template <class Inner>
class CountedOperation {
 public:
  CountedOperation(TaskHeader& task, const Inner& request, unsigned* suspensions) noexcept
      : operation_{request.start(task)}, suspensions_{suspensions} {}
  bool await_ready() noexcept { return operation_.await_ready(); }
  template <TaskPromise Promise>
  bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
    ++*suspensions_;
    return operation_.await_suspend(frame);
  }
  auto await_resume() { return operation_.await_resume(); }

 private:
  typename Inner::OperationType operation_;
  unsigned* suspensions_;
};

template <class Inner>
auto counted(Inner request, unsigned& suspensions) {
  return Request<CountedOperation<Inner>, Inner, unsigned*>{request, &suspensions};
}

std::uint64_t wakes(IRuntime& rt) {
  const RuntimeStats stats = rt.stats();
  return stats.wakes_local + stats.wakes_remote + stats.wakes_suppressed;
}

BOTH_FORMS_RULE(RDY_20, a_thousand_reads) {
  constexpr unsigned reads = 1'000;
  constexpr unsigned before_a_turn = 3 * leaf_budget;
  static_assert(before_a_turn < polls_per_turn - 8);
  Script script{sys::Op::recv, sys::Op::epoll_wait};
  Rt& rt = runtime<Rt>();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  put(pair.peer.get(), std::string(reads, 'x'));
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    script.clear_log();
    const std::uint64_t wakes_before = wakes(rt);
    unsigned suspensions = 0;
    for (unsigned i = 0; i < reads; ++i) {
      std::byte byte;
      EXPECT_EQ(co_await counted(stream.read({&byte, 1}), suspensions), IoResult{1});
      if (i + 1 == before_a_turn && one_thread_does_all()) {
        EXPECT_TRUE(script.log_of(sys::Op::epoll_wait).empty());
      }
    }
    EXPECT_EQ(suspensions, reads / leaf_budget) << "only the budget makes it yield";
    EXPECT_LE(wakes(rt) - wakes_before, 1u) << "block_on brings one task of its own, perhaps meanwhile";
    EXPECT_EQ(script.count(sys::Op::recv, fd), reads);
    const std::size_t waits = script.log_of(sys::Op::epoll_wait).size();
    EXPECT_TRUE(waits <= reads / polls_per_turn + 1 || !one_thread_does_all()) << waits << " waits";
  }());
}

}  // namespace reactorlab::conformance
