// SCL: many connections, and many of them idle.

#include <thread>
#include <utility>
#include <vector>

#include "harness/conformance/kit.hpp"
#include "harness/conformance/scale.hpp"
#include "harness/conformance/streams.hpp"
#include "harness/conformance/timers.hpp"

namespace reactorlab::conformance {

using namespace std::chrono_literals;

// --- SCL-01 -------------------------------------------------------------------------------------------------------------------

/// Both ends of each connection belong to the runtime, and no descriptor is below 1,024.
RULE(SCL_01, thousands_of_connections) {
  const std::size_t connections = as_many_as_allowed(many_connections, 2);
  ASSERT_GE(connections, enough_connections) << "raise the hard limit of open files (ulimit -Hn)";
  std::vector<Fd> low;
  do low.push_back(event_fd());
  while (low.back().get() < 1'024);
  IRuntime& rt = runtime();
  std::vector<TcpStream> servers, clients;
  servers.reserve(connections);
  clients.reserve(connections);
  for (std::size_t i = 0; i < connections; ++i) {
    Pair pair = socket_pair();
    while (pair.ours.get() <= 1'024 || pair.peer.get() <= 1'024) {  // another thread of the kit had one open for a moment
      low.push_back(std::move(pair.ours));
      low.push_back(std::move(pair.peer));
      pair = socket_pair();
    }
    set_nonblocking(pair.peer.get(), true);
    for (auto& [end, streams] : {std::pair{&pair.ours, &servers}, std::pair{&pair.peer, &clients}}) {
      ASSERT_GT(end->get(), 1'024);
      auto stream = TcpStream::adopt(rt.ref(), end->get());
      ASSERT_TRUE(stream) << stream.error() << ", descriptor " << end->get();
      (void)end->release();
      streams->push_back(stream.take());
    }
  }
  rt.block_on([&]() -> Task<> {
    std::vector<JoinHandle<void>> serving;
    for (TcpStream& server : servers) serving.push_back(rt.spawn(echo(server)));
    std::size_t echoed = 0;
    std::array<std::byte, 1> byte{};
    for (unsigned round = 0; round < 2; ++round) {
      for (std::size_t i = 0; i < connections; ++i) {
        byte[0] = static_cast<std::byte>(i + round);
        if (!co_await clients[i].write_all(byte)) ADD_FAILURE() << "connection " << i;
      }
      for (std::size_t i = 0; i < connections; ++i) {
        const bool read = co_await clients[i].read(byte) == IoResult{1};
        if (read && byte[0] == static_cast<std::byte>(i + round)) ++echoed;
      }
    }
    EXPECT_EQ(echoed, 2 * connections);
    EXPECT_EQ(rt.stats().registrations, 2 * connections);
    clients.clear();
    for (auto& join : serving) co_await join;
    servers.clear();
    EXPECT_EQ(rt.stats().registrations, 0u);
  }());
}

// --- SCL-05 -------------------------------------------------------------------------------------------------------------------

namespace {

/// The runtime makes no system call, and so takes no turn, while virtual time passes and nobody has anything to do.
/// On a thread that isn't the runtime's. `strangers`: threads that were there before it.
void expect_rest(VirtualClock& time, const std::set<int>& strangers) {
  ASSERT_TRUE(came_to_rest(strangers)) << "a thread looks around again and again";
  const std::uint64_t before = KernelTap::instance().progress();
  for (int hour = 0; hour < 10; ++hour) {
    time.advance(1h);
    ASSERT_TRUE(came_to_rest(strangers)) << "a thread looks around again and again";
  }
  EXPECT_EQ(KernelTap::instance().progress() - before, 0u) << "system calls, beginnings and ends, in ten idle hours";
}

}  // namespace

RULE(SCL_05, thousands_of_idle_sources) {
  constexpr std::size_t sleepers = 1'000;
  const std::size_t sources = as_many_as_allowed(many_idle_sources, 1);
  std::set<int> strangers;
  for (const auto& [id, thread] : threads_but({::gettid()})) strangers.insert(id);
  VirtualClock& time = use_virtual_time();
  IRuntime& rt = runtime();
  std::vector<AsyncFd> handles;
  handles.reserve(sources);
  for (std::size_t i = 0; i < sources; ++i) handles.push_back(AsyncFd::own(rt, event_fd().release()));
  rt.block_on([&]() -> Task<> {
    std::vector<JoinHandle<IoResult>> waiting;
    std::vector<JoinHandle<TimePoint>> sleeping;
    for (AsyncFd& handle : handles) {
      waiting.push_back(rt.spawn([](AsyncFd& on) -> Task<IoResult> { co_return co_await next_edge<Direction::read>(on); }(handle)));
    }
    for (std::size_t i = 0; i < sleepers; ++i) sleeping.push_back(rt.spawn(sleeping_until(rt, time.now() + 24h + 1s * i)));
    co_await waiters_are(rt, sources);
    co_await timers_are(rt, sleepers);

    AutoResetEvent observed;
    std::thread observer{[&] {
      expect_rest(time, strangers);
      observed.set();
    }};
    co_await observed.wait();
    observer.join();

    for (AsyncFd& handle : handles) add_one(handle.fd());
    for (auto& join : waiting) EXPECT_EQ(co_await join, IoResult{0});
    time.advance(24h);
    for (auto& join : sleeping) (void)co_await join;
  }());
}

}  // namespace reactorlab::conformance
