// ERR: errors and bad input.

#include <climits>
#include <optional>

#include "harness/conformance/addresses.hpp"
#include "harness/conformance/errors.hpp"
#include "harness/conformance/far_number.hpp"
#include "harness/conformance/foreign.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/tasks.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {
namespace {

/// The error of registering it, or 0.
int error_of_registering(IRuntime& rt, int fd, Interest interest = Interest::read) {
  return error_of([&] { return AsyncFd::borrow(rt, fd, interest); });
}

Task<> expect_a_byte(AsyncFd& handle) {
  std::byte buffer[8];
  EXPECT_EQ(co_await handle.read(buffer), IoResult{1});
}

Task<int> answer() { co_return 42; }

}  // namespace

// --- ERR-01 -------------------------------------------------------------------------------------------------------------------

RULE(ERR_01, no_descriptor) {
  IRuntime& rt = runtime();
  const Pair pair = socket_pair();
  const int closed = at_far_number(pair.ours).get();  // free again by the end of this line
  for (const int fd : {-1, INT_MAX, closed}) EXPECT_EQ(error_of_registering(rt, fd), EBADF) << fd;
  EXPECT_EQ(TcpStream::adopt(rt.ref(), closed).error(), EBADF);
  EXPECT_EQ(rt.stats().registrations, 0u);
}

// --- ERR-02 -------------------------------------------------------------------------------------------------------------------

RULE(ERR_02, files_and_folders) {
  IRuntime& rt = runtime();
  for (const char* const path : {"/proc/self/exe", "/"}) {
    const Fd file{checked(::open(path, O_RDONLY | O_CLOEXEC), "open")};
    EXPECT_EQ(error_of_registering(rt, file.get()), EPERM);
    EXPECT_EQ(error_of_registering(rt, file.get(), Interest::both), EPERM);
  }
  EXPECT_EQ(rt.stats().registrations, 0u);
}

// --- ERR-03 -------------------------------------------------------------------------------------------------------------------

RULE(ERR_03, the_first_goes_on) {
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, pair.ours.get());
    auto reader = co_await spawn_parked(rt, points, expect_a_byte(handle));
    for (int again = 0; again < 3; ++again) EXPECT_EQ(error_of_registering(rt, pair.ours.get()), EEXIST);
    EXPECT_EQ(TcpStream::adopt(rt.ref(), pair.ours.get()).error(), EEXIST);
    EXPECT_EQ(rt.stats().registrations, 1u);
    put(pair.peer.get(), "x");
    co_await reader;
  }());
}

// --- ERR-04 -------------------------------------------------------------------------------------------------------------------

RULE(ERR_04, the_kernel_has_forgotten_it) {
  Script script;
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair known = socket_pair(), forgotten = socket_pair();
  const int fd = forgotten.ours.get();
  fill(fd);
  rt.block_on([&]() -> Task<> {
    auto neighbour = AsyncFd::borrow(rt, known.ours.get());
    auto handle = AsyncFd::borrow(rt, fd);
    auto reader = co_await spawn_parked(rt, points, expect_a_byte(neighbour));
    if (kernel_knows_descriptors()) {
      epoll_event unused{};
      checked(::epoll_ctl(script.epoll_of(fd), EPOLL_CTL_DEL, fd, &unused), "epoll_ctl");
    } else {
      script.fail(sys::Op::epoll_ctl, fd, ENOENT, 1, 3);
    }
    for (int again = 0; again < 3; ++again) EXPECT_EQ(co_await handle.write(bytes_of("x")), IoResult{-ENOENT});
    handle.close();
    EXPECT_EQ(rt.stats().registrations, 1u);
    put(known.peer.get(), "x");
    co_await reader;
  }());
}

RULE(ERR_04, closed_twice) {
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto first = AsyncFd::borrow(rt, pair.ours.get());
    first.close();
    auto second = AsyncFd::borrow(rt, pair.ours.get());
    first.close();
    EXPECT_EQ(rt.stats().registrations, 1u);
    EXPECT_EQ(error_of_registering(rt, pair.ours.get()), EEXIST);
    put(pair.peer.get(), "x");
    EXPECT_EQ(co_await next_edge<Direction::read>(second), IoResult{0});
  }());
}

// --- ERR-06 -------------------------------------------------------------------------------------------------------------------

namespace {

template <class Awaitable, class Promise>
concept AwaitableIn = requires(Awaitable& awaitable, std::coroutine_handle<Promise> frame) {
  awaitable.await_suspend(frame);
};

/// Of a coroutine that isn't a Task.
struct ForeignPromise {};

template <class Awaitable>
constexpr bool only_in_tasks = AwaitableIn<Awaitable, Task<>::promise_type> && !AwaitableIn<Awaitable, ForeignPromise>;

template <class T>
T& some() noexcept;

static_assert(only_in_tasks<decltype(some<AsyncFd>().read({}))> && only_in_tasks<decltype(some<AsyncFd>().write({}))> &&
              only_in_tasks<decltype(some<AsyncFd>().readable())> && only_in_tasks<decltype(some<AsyncFd>().writable())>);
static_assert(only_in_tasks<decltype(some<TcpStream>().read({}))> && only_in_tasks<decltype(some<TcpStream>().read_lease())> &&
              only_in_tasks<decltype(some<TcpStream>().write_all(some<Lease>()))> &&
              only_in_tasks<decltype(some<TcpStream>().write_vector({}))> && only_in_tasks<decltype(some<TcpListener>().accept())>);
static_assert(only_in_tasks<decltype(some<UdpSocket>().recv({}))> && only_in_tasks<decltype(some<UdpSocket>().recv_from({}))> &&
              only_in_tasks<decltype(some<UdpSocket>().send({}))> && only_in_tasks<decltype(some<UdpSocket>().send_to({}, {}))>);
static_assert(only_in_tasks<decltype(sleep(some<IRuntime>(), {}))> && only_in_tasks<decltype(some<Interval>().tick())> &&
              only_in_tasks<decltype(timeout(some<IRuntime>(), {}, some<AsyncFd>().read({})))>);
static_assert(only_in_tasks<Task<>> && only_in_tasks<decltype(some<JoinHandle<int>>().operator co_await())> &&
              only_in_tasks<decltype(some<AutoResetEvent>().wait())> && only_in_tasks<decltype(yield())>);

}  // namespace

RULE(ERR_06, a_thread_of_no_runtime) {
  using namespace std::chrono_literals;
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  const bool welcome = configuration().capabilities.foreign_registration;
  std::optional<JoinHandle<int>> started;
  on_another_thread([&] {
    if (welcome) {
      EXPECT_EQ(error_of_registering(rt, pair.ours.get()), 0);
      EXPECT_EQ(rt.block_on(answer()), 42);
    } else {
      EXPECT_NE(usage_error_of([&] { return AsyncFd::borrow(rt, pair.ours.get()); }), "");
      EXPECT_NE(usage_error_of([&] { return UdpSocket::bind(rt, SocketAddress::loopback(0)); }), "");
      EXPECT_NE(usage_error_of([&] { return sleep(rt, 1h); }), "");
      EXPECT_NE(usage_error_of([&] { return rt.block_on(answer()); }), "");
    }
    started.emplace(rt.spawn(answer()));
  });
  EXPECT_EQ(rt.block_on([&]() -> Task<int> { co_return co_await *started; }()), 42);
  EXPECT_EQ(rt.stats().registrations, 0u);
}

RULE(ERR_06, a_runtime_that_has_ended) {
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  rt.shutdown(Duration::zero());
  const auto used = [&] {
    EXPECT_EQ(error_of_registering(rt, pair.ours.get()), ESHUTDOWN);
    EXPECT_THROW(rt.block_on(answer()), TaskCancelled);
  };
  used();
  if (configuration().capabilities.foreign_registration) on_another_thread(used);
}

// --- ERR-07 -------------------------------------------------------------------------------------------------------------------

RULE(ERR_07, hang_up_of_what_nobody_reads) {
  Script script{sys::Op::epoll_wait};
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, pair.ours.get(), Interest::none);
    const Token token = script.token_of(pair.ours.get());
    put(pair.peer.get(), "x");
    co_await events_dispatched(rt);
    pair.peer.close();
    for (int turn = 0; turn < 20; ++turn) co_await events_dispatched(rt);
    unsigned reports = 0;
    for (const LoggedCall& wait : script.log_of(sys::Op::epoll_wait)) {
      for (const Event& event : wait.events) reports += event.token == token;
    }
    EXPECT_LE(reports, 2u) << "it is reported in every turn";
    co_await expect_a_byte(handle);
  }());
}

RULE(ERR_07, reading_adds_what_it_needs) {
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, pair.ours.get(), Interest::none);
    auto reader = co_await spawn_parked(rt, points, expect_a_byte(handle));
    put(pair.peer.get(), "x");
    co_await reader;
  }());
}

// --- ERR-08 -------------------------------------------------------------------------------------------------------------------

RULE(ERR_08, workers) {
  for (const unsigned workers : {0u, 1'000'000u}) {
    RuntimeOptions options = configuration().options;
    options.workers = workers;
    const std::string said = usage_error_of([&] { return make(options); });
    ASSERT_NE(said.find("workers must be 1"), std::string::npos) << said;
  }
  (void)runtime();  // what was refused isn't in the way
}

RULE(ERR_08, other_values) {
  IRuntime& rt = runtime();
  for (const Duration period : {Duration::zero(), Duration{-1}, Duration::min()}) {
    EXPECT_NE(usage_error_of([&] { return Interval{rt, period}; }), "");
  }
  for (const char* const text : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "[::1:80", "localhost:80"}) {
    EXPECT_NE(usage_error_of([&] { return SocketAddress::parse(text); }), "") << text;
  }
  EXPECT_NE(usage_error_of([] { return make_runtime("no_such_home"); }), "");
}

// --- ERR-09 -------------------------------------------------------------------------------------------------------------------

RULE(ERR_09, two_failures_in_one_batch) {
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair broken = tcp_pair();
  Pair unread = pipe_to_write();
  const std::string block(4096, 'f');
  while (::write(unread.ours.get(), block.data(), block.size()) > 0) {
  }
  rt.block_on([&]() -> Task<> {
    auto first = stream_over(rt, std::move(broken.ours));
    auto second = AsyncFd::borrow(rt, unread.ours.get(), Interest::write);
    const auto reads = [&]() -> Task<> {
      std::byte byte;
      EXPECT_EQ(co_await first.read({&byte, 1}), IoResult{-ECONNRESET});
    };
    const auto writes = [&]() -> Task<> { EXPECT_EQ(co_await second.write(bytes_of("x")), IoResult{-EPIPE}); };
    auto reader = co_await spawn_parked(rt, points, reads());
    auto writer = co_await spawn_parked(rt, points, writes());
    reset_on_close(broken.peer.get());
    broken.peer.close();
    unread.peer.close();
    co_await reader;
    co_await writer;
  }());
}

// --- ERR-10 -------------------------------------------------------------------------------------------------------------------

RULE(ERR_10, runs_and_ends_itself) {
  std::atomic<unsigned> ends{0};
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  const auto witnessed = [](Witness) -> Task<int> { co_return 42; };
  const auto misuses = [&] {
    EXPECT_NE(usage_error_of([&] { return rt.block_on(witnessed(Witness{ends})); }), "");
    EXPECT_EQ(ends, 1u) << "the task that was refused has been started";
    if (HasFailure()) return false;  // a shutdown that begins all the same would wait for this task
    EXPECT_NE(usage_error_of([&] { return rt.shutdown(Duration::zero()), 0; }), "");
    EXPECT_EQ(usage_error_of([&] { return make(); }).empty(), configuration().capabilities.several_per_thread);
    EXPECT_EQ(rt.stats().registrations, 1u);
    return false;
  };
  rt.block_on([&]() -> Task<> {
    auto handle = AsyncFd::borrow(rt, pair.ours.get());
    ParkedProbe<Direction::read, AsyncFd> probe{rt, handle, misuses};
    co_await probe.parked();
    put(pair.peer.get(), "x");
    co_await probe.polled();
    co_await expect_a_byte(handle);
    co_await probe.end();
  }());
}

/// What is being dispatched changes: a reader whose event lies in the same batch loses its handle, its descriptor gets another, and
/// the slab grows. With several workers nobody may close a handle while another may be inside an operation on it.
RULE(ERR_10, changes_what_is_being_dispatched) {
  if (workers() > 1) return;
  SyncPoints points;
  IRuntime& rt = runtime();
  Pair first = socket_pair(), second = socket_pair();
  const Fd many = event_fd();
  rt.block_on([&]() -> Task<> {
    auto here = AsyncFd::borrow(rt, first.ours.get());
    auto there = AsyncFd::borrow(rt, second.ours.get());
    std::optional<AsyncFd> again;
    std::vector<AsyncFd> others;
    std::optional<JoinHandle<int>> started;
    const auto changes = [&] {
      there.close();
      again.emplace(AsyncFd::borrow(rt, second.ours.get()));
      for (int i = 0; i < 200; ++i) others.push_back(AsyncFd::own(rt, ::dup(many.get())));
      started.emplace(rt.spawn(answer()));
      return false;
    };
    ParkedProbe<Direction::read, AsyncFd> probe{rt, here, changes};
    co_await probe.parked();
    IoResult read;
    const auto reads = [&]() -> Task<> {
      std::byte byte;
      read = co_await there.read({&byte, 1});
    };
    auto reader = co_await spawn_parked(rt, points, reads());
    put(first.peer.get(), "x");
    put(second.peer.get(), "y");
    co_await reader;
    co_await probe.polled();
    EXPECT_TRUE(read == IoResult{-EBADF} || (!one_thread_does_all() && read == IoResult{1})) << read.value();
    if (!read) co_await expect_a_byte(*again);
    EXPECT_EQ(co_await *started, 42);
    EXPECT_EQ(rt.stats().registrations, 202u);
    co_await probe.end();
  }());
}

}  // namespace reactorlab::conformance
