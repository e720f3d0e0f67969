#include "harness/conformance/broad_scenario.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "core/channel.hpp"
#include "core/combinators.hpp"
#include "core/deadline_timer.hpp"
#include "core/unix_datagram.hpp"
#include "core/unix_stream.hpp"
#include "harness/conformance/addresses.hpp"
#include "harness/conformance/foreign.hpp"
#include "harness/conformance/streams.hpp"
#include "harness/conformance/tasks.hpp"

namespace reactorlab::conformance {
namespace {

using namespace std::chrono_literals;

/// The count of what succeeded; an error ends the part with it.
std::size_t checked(IoResult result) {
  if (!result) throw std::system_error{result.error_code()};
  return result.count();
}

// --- streams --------------------------------------------------------------------------------------------------------------------

template <class Listener>
Task<> serve_one(Listener& listener) {
  auto accepted = co_await listener.accept();
  auto stream = accepted.take();
  for (;;) {
    const Lease lease = co_await stream.read_lease();
    if (checked(lease.result()) == 0) break;
    checked(co_await stream.write_all(lease));
  }
  checked(stream.shutdown_write());
}

/// All of it, in two ways, then the end.
template <class Stream>
Task<> send_all(Stream& stream, const std::string& text) {
  const auto bytes = bytes_of(text);
  const auto half = bytes.size() / 2;
  checked(co_await stream.write_all(bytes.first(half)));
  const auto part = [](std::span<const std::byte> of) { return iovec{const_cast<std::byte*>(of.data()), of.size()}; };
  std::array<iovec, 2> parts{part(bytes.subspan(half, 1)), part(bytes.subspan(half + 1))};
  checked(co_await stream.write_vector(parts));
  checked(stream.shutdown_write());
}

template <class Stream>
Task<std::string> receive_all(Stream& stream) {
  std::string all;
  std::array<std::byte, 300> room;
  for (;;) {
    const std::size_t n = checked(co_await stream.read(room));
    if (n == 0) co_return all;
    all += text_of(std::span{room}.first(n));
  }
}

template <class Stream, class Address>
Task<std::string> ask(IRuntime& rt, Address address, std::size_t size) {
  auto connected = co_await Stream::connect(rt, address);
  auto stream = connected.take();
  const std::string sent = pattern(size);
  const auto both = co_await when_all(send_all(stream, sent), receive_all(stream));
  const std::string& back = std::get<1>(both);
  co_return back == sent ? fmt::format("{} bytes came back", size) : fmt::format("other bytes came back, {}", back.size());
}

template <class Listener, class Address>
Task<std::string> echo(IRuntime& rt, Address address, std::size_t size) {
  auto listener = Listener::bind(rt, address);
  const auto both = co_await when_all(serve_one(listener), ask<typename Listener::Stream>(rt, listener.local_address(), size));
  co_return std::get<1>(both);
}

Task<std::string> refused(IRuntime& rt) {
  const RefusingPort nobody;
  const auto connected = co_await TcpStream::connect(rt, nobody.address());
  co_return connected.error() == ECONNREFUSED ? "refused" : fmt::format("error {}", connected.error());
}

// --- datagrams ------------------------------------------------------------------------------------------------------------------

constexpr std::size_t datagram_sizes[] = {1, 0, 500, 70, 0, 3};

Task<std::string> udp(IRuntime& rt) {
  auto one = UdpSocket::bind(rt, own_loopback());
  auto two = UdpSocket::bind(rt, own_loopback());
  checked(one.connect(two.local_address()));
  std::array<std::byte, 1'000> room;
  std::string sizes;
  for (const std::size_t size : datagram_sizes) {
    const std::string sent = pattern(size);
    checked(co_await one.send(bytes_of(sent)));
    const auto there = co_await two.recv_from(room);
    checked(there.result);
    checked(co_await two.send_to(std::span{room}.first(there.size), there.from));
    const Received back = co_await one.recv(room);
    checked(back.result);
    sizes += fmt::format(" {}", back.size);
    if (text_of(std::span{room}.first(back.size)) != sent) sizes += "(other bytes)";
  }
  co_return "sizes" + sizes;
}

Task<std::string> unix_datagrams(IRuntime& rt) {
  auto made = UnixDatagram::pair(rt);
  auto pair = made.take();
  std::array<std::byte, 1'000> room;
  std::string sizes;
  for (const std::size_t size : datagram_sizes) {
    const std::string sent = pattern(size);
    checked(co_await pair.first.send(bytes_of(sent)));
    const Received got = co_await pair.second.recv(room);
    checked(got.result);
    sizes += fmt::format(" {}", got.size);
  }
  co_return "sizes" + sizes;
}

// --- descriptors
// ------------------------------------------------------------------------------------------------------------------

Task<> write_into(AsyncFd& pipe, const std::string& text) {
  auto bytes = bytes_of(text);
  while (!bytes.empty()) bytes = bytes.subspan(checked(co_await pipe.write(bytes)));
  pipe.close();
}

Task<std::string> read_out_of(AsyncFd& pipe) {
  std::string all;
  std::array<std::byte, 300> room;
  for (;;) {
    checked(co_await pipe.readable());
    const std::size_t n = checked(co_await pipe.read(room));
    if (n == 0) co_return all;
    all += text_of(std::span{room}.first(n));
  }
}

Task<std::string> through_a_pipe(IRuntime& rt, std::size_t size) {
  Pair ends = pipe_to_read();
  set_nonblocking(ends.peer.get(), true);
  auto out = AsyncFd::own(rt, ends.ours.get());
  (void)ends.ours.release();
  auto in = AsyncFd::own(rt, ends.peer.get(), Interest::write);
  (void)ends.peer.release();
  const std::string sent = pattern(size);
  const auto both = co_await when_all(write_into(in, sent), read_out_of(out));
  co_return std::get<1>(both) == sent ? fmt::format("{} bytes came through", size) : "other bytes came through";
}

// --- time -----------------------------------------------------------------------------------------------------------------------

Task<std::string> timers(IRuntime& rt) {
  checked(co_await sleep(rt, 3ms));
  Interval interval{rt, 2ms};
  for (int i = 0; i < 3; ++i) checked(co_await interval.tick());
  DeadlineTimer timer{rt, clock::now() + 24h};
  checked(timer.reset(clock::now() + 1ms));
  checked(co_await timer.wait());
  Pair silent = socket_pair();
  auto handle = AsyncFd::borrow(rt, silent.ours.get());
  const IoResult late = co_await timeout(rt, 2ms, handle.readable());
  co_return fmt::format("slept, ticked, and a time-out gave {}", late.value() == -ETIME ? "ETIME" : late.error_code().message());
}

// --- tasks
// ------------------------------------------------------------------------------------------------------------------------

Task<unsigned> number(unsigned n) {
  if (n % 2 == 0) co_await yield();
  co_return n;
}

Task<> fails() {
  co_await yield();
  throw std::runtime_error{"as intended"};
}

Task<std::string> tasks(IRuntime& rt) {
  std::vector<Task<unsigned>> some;
  for (unsigned n = 1; n <= 20; ++n) some.push_back(number(n));
  unsigned sum = 0;
  for (const unsigned n : co_await when_all(std::move(some))) sum += n;
  std::string what;
  auto failing = rt.spawn(fails());
  try {
    co_await failing;
  } catch (const std::runtime_error& failure) {
    what = failure.what();
  }
  auto endless = rt.spawn([]() -> Task<> { co_await Forever{}; }());
  endless.cancel();
  const bool cancelled = co_await ended_cancelled(endless);
  co_return fmt::format("sum {}, failed {}, cancelled {}", sum, what, cancelled);
}

Task<> produce(Channel<unsigned>& channel) {
  for (unsigned n = 1; n <= 30; ++n) co_await channel.send(n);
  channel.close();
}

Task<unsigned> consume(Channel<unsigned>& channel) {
  unsigned sum = 0;
  while (const auto n = co_await channel.receive()) sum += *n;
  co_return sum;
}

Task<std::string> through_a_channel() {
  Channel<unsigned> channel{3};
  const auto sums = co_await when_all(produce(channel), consume(channel), consume(channel));
  co_return fmt::format("sum {}", std::get<1>(sums) + std::get<2>(sums));
}

/// A thread that answers each request by a wake. Its end doesn't depend on the task's.
Task<std::string> wakes_from_outside() {
  constexpr unsigned rounds = 20;
  Count asked;
  AutoResetEvent answered;
  std::thread other{[&] {
    for (unsigned n = 1; n <= rounds; ++n) {
      asked.wait_for(n);
      answered.set();
    }
  }};
  const AtEnd joined{[&] {
    asked.raise_to(rounds);
    other.join();
  }};
  for (unsigned n = 1; n <= rounds; ++n) {
    asked.raise_to(n);
    co_await answered.wait();
  }
  co_return fmt::format("{} answers", rounds);
}

// --- all of it
// --------------------------------------------------------------------------------------------------------------------

Task<std::string> part(const char* name, Task<std::string> body) {
  std::string became;
  try {
    became = co_await body;
  } catch (const std::system_error& error) {
    became = error.code().message();
  } catch (const std::exception& error) {
    became = error.what();
  }
  co_return fmt::format("{}: {}", name, became);
}

Task<Lines> all_parts(IRuntime& rt, std::size_t bytes) {
  std::vector<Task<std::string>> parts;
  parts.push_back(part("tcp", echo<TcpListener>(rt, SocketAddress::loopback(0), bytes)));
  parts.push_back(part("unix", echo<UnixListener>(rt, UnixAddress{}, bytes)));
  parts.push_back(part("connect", refused(rt)));
  parts.push_back(part("udp", udp(rt)));
  parts.push_back(part("unix datagrams", unix_datagrams(rt)));
  parts.push_back(part("pipe", through_a_pipe(rt, bytes)));
  parts.push_back(part("timers", timers(rt)));
  parts.push_back(part("tasks", tasks(rt)));
  parts.push_back(part("channel", through_a_channel()));
  parts.push_back(part("wakes", wakes_from_outside()));
  co_return co_await when_all(std::move(parts));
}

/// Waits for what never comes.
Task<> left_over(IRuntime& rt, int fd, unsigned which, std::atomic<unsigned>& started, Witness) {
  auto handle = AsyncFd::borrow(rt, fd);
  started.fetch_add(1);
  if (which == 0) {
    (void)co_await handle.readable();
  } else if (which == 1) {
    (void)co_await sleep(rt, 24h);
  } else {
    co_await Forever{};
  }
}

}  // namespace

Lines run_broad_scenario(IRuntime& rt, std::size_t bytes) {
  Lines lines = rt.block_on(all_parts(rt, bytes));
  constexpr unsigned kinds = 3;
  std::atomic<unsigned> started{0}, ends{0};
  std::vector<Pair> silent;
  for (unsigned which = 0; which < kinds; ++which) {
    silent.push_back(socket_pair());
    rt.spawn(left_over(rt, silent.back().ours.get(), which, started, Witness{ends})).detach();
  }
  rt.block_on([](std::atomic<unsigned>& count) -> Task<> {
    while (count < kinds) co_await yield();
  }(started));
  rt.shutdown(Duration::zero());
  lines.push_back(fmt::format("shutdown: {} tasks of {} ended", ends.load(), kinds));
  return lines;
}

}  // namespace reactorlab::conformance
