// MRT: handles of one runtime in a task of another, and one file in two reactors.

#include <gmock/gmock.h>

#include <array>
#include <cstdlib>

#include "harness/conformance/addresses.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/neighbour.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

// --- the contract of MRT-02 ---------------------------------------------------------------------------------------------------

/// What the runtime A is doing, whose handle a task of B uses.
enum class State { driven, undriven, destroyed };
constexpr State states[] = {State::driven, State::undriven, State::destroyed};

/// What becomes of an operation that has to wait. docs/SPEC.md has the same as a table.
enum class Fate {
  completes,
  waits,      ///< until A is driven again; A's statistics count the waiter
  misplaced,  ///< -EXDEV at once
  gone,       ///< -ESHUTDOWN, at once or when A ends
};

Fate contract(const Capabilities& capabilities, State state) {
  if (state == State::destroyed) return Fate::gone;
  if (!capabilities.foreign_registration) return Fate::misplaced;
  return state == State::driven || capabilities.foreign_driver ? Fate::completes : Fate::waits;
}

enum class Operation { read, write, accept };
constexpr Operation operations[] = {Operation::read, Operation::write, Operation::accept};

std::string case_name(State state, Operation operation) {
  static constexpr const char* state_names[] = {"driven", "undriven", "destroyed"};
  static constexpr const char* operation_names[] = {"read", "write", "accept"};
  return std::string{operation_names[static_cast<int>(operation)]} + " while A is " + state_names[static_cast<int>(state)];
}

/// Handles of A on which nothing can be done at once, and the test's ends of them. Made where A registers.
class Handles {
 public:
  explicit Handles(IRuntime& a)
      : quiet_{socket_pair()},
        full_{socket_pair()},
        reading_{stream_over(a, std::move(quiet_.ours))},
        writing_{stream_over(a, (fill(full_.ours.get()), std::move(full_.ours)))},
        accepting_{TcpListener::bind(a, SocketAddress::loopback(0))} {}

  /// 0 or -errno.
  Task<IoResult> perform(Operation operation) {
    std::array<std::byte, 1> byte{};
    switch (operation) {
      case Operation::read: {
        const IoResult n = co_await reading_.read(byte);
        co_return n == IoResult{1} ? IoResult{0} : n;
      }
      case Operation::write: {
        const IoResult n = co_await writing_.write_all(byte);
        co_return n ? IoResult{0} : n;
      }
      case Operation::accept: {
        const auto accepted = co_await accepting_.accept();
        co_return IoResult{-accepted.error()};
      }
    }
    std::abort();
  }
  /// Now it can be done.
  void let(Operation operation) {
    switch (operation) {
      case Operation::read: return put(quiet_.peer.get(), "x");
      case Operation::write: drain(full_.peer.get()); return;
      case Operation::accept: {
        const SocketAddress address = accepting_.local_address();
        checked(::connect(client_.get(), address.data(), address.size()), "connect");
        return;
      }
    }
  }
  void wait_until_acceptable() const { wait_for(accepting_.fd(), POLLIN); }

  void close() { reading_.close(); }
  /// After close(): what the peer of that stream reads without waiting. 0: the end.
  long peer_sees() const {
    char byte;
    return ::recv(quiet_.peer.get(), &byte, 1, MSG_DONTWAIT);
  }
  void wait_until_peer_sees() const { wait_for(quiet_.peer.get(), POLLIN); }

 private:
  Pair quiet_, full_;
  TcpStream reading_, writing_;
  TcpListener accepting_;
  Fd client_{checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")};
};

/// A, and what it is doing. Members as of Neighbour.
class RuntimeA {
 public:
  RuntimeA(std::function<std::unique_ptr<IRuntime>()> make, unsigned workers) : workers_{workers}, neighbour_{std::move(make)} {
    neighbour_.there([this] { handles_.emplace(neighbour_.runtime()); });
  }

  IRuntime& runtime() noexcept { return neighbour_.runtime(); }
  Handles& handles() noexcept { return *handles_; }

  void enter(State state) {
    switch (state) {
      case State::driven: return drive();
      case State::undriven: occupied_.emplace(runtime(), workers_); return;
      case State::destroyed: return neighbour_.end();
    }
  }
  void drive() {
    occupied_.reset();
    neighbour_.drive();
  }

 private:
  const unsigned workers_;  // that have to be kept from driving; a confined runtime isn't driven outside block_on
  Neighbour neighbour_;
  std::optional<Handles> handles_;
  std::optional<Occupied> occupied_;
};

IoResult result_of(Fate fate) {
  switch (fate) {
    case Fate::completes:
    case Fate::waits: return 0;
    case Fate::misplaced: return -EXDEV;
    case Fate::gone: return -ESHUTDOWN;
  }
  std::abort();
}

Task<IoResult> edge_of(AsyncFd& handle) { co_return co_await next_edge<Direction::read>(handle); }

/// Reads one byte and says that it has.
Task<IoResult> read_one(AsyncFd& handle, std::atomic<unsigned>& read, AutoResetEvent& got_one) {
  std::array<std::byte, 1> byte{};
  const IoResult n = co_await handle.read(byte);
  read.fetch_add(1);
  got_one.set();
  co_return n;
}

}  // namespace

// --- MRT-02 -------------------------------------------------------------------------------------------------------------------

RULE(MRT_02, what_has_to_wait) {
  IRuntime& rt = runtime();
  for (const State state : states) {
    const Fate fate = contract(configuration().capabilities, state);
    for (const Operation operation : operations) {
      RuntimeA a{[this] { return make(); }, confined() ? 0 : workers()};
      a.enter(state);
      rt.block_on([&]() -> Task<> {
        auto task = rt.spawn(a.handles().perform(operation));
        if (fate == Fate::completes || fate == Fate::waits) {
          co_await waiters_are(a.runtime(), 1);
          a.handles().let(operation);
        }
        if (fate == Fate::waits) {
          co_await events_dispatched(rt);
          EXPECT_FALSE(task.done());
          EXPECT_EQ(a.runtime().stats().waiters, 1u) << "A can be asked who waits";
          a.drive();
        }
        EXPECT_EQ(co_await task, result_of(fate)) << case_name(state, operation);
      }());
    }
  }
}

RULE(MRT_02, a_ends_meanwhile) {
  IRuntime& rt = runtime();
  const Fate fate = contract(configuration().capabilities, State::driven);
  RuntimeA a{[this] { return make(); }, workers()};
  a.enter(State::driven);
  rt.block_on([&]() -> Task<> {
    std::vector<JoinHandle<IoResult>> tasks;
    for (const Operation operation : operations) tasks.push_back(rt.spawn(a.handles().perform(operation)));
    if (fate == Fate::completes) {
      co_await waiters_are(a.runtime(), tasks.size());
    } else {
      co_await others_polled();
    }
    a.enter(State::destroyed);
    for (auto& task : tasks) EXPECT_EQ(co_await task, result_of(fate == Fate::completes ? Fate::gone : fate));
  }());
}

/// No reactor is needed for it, but by what is accepted: that is A's, or where a handle carries nothing of its runtime, B's. A
/// stranger's confined runtime may refuse it.
RULE(MRT_02, what_can_be_done_at_once) {
  IRuntime& rt = runtime();
  for (const State state : states) {
    RuntimeA a{[this] { return make(); }, confined() ? 0 : workers()};
    for (const Operation operation : operations) a.handles().let(operation);
    a.handles().wait_until_acceptable();
    a.enter(state);
    if (completes() && state != State::destroyed) continue;  // A's thread must have seen a completion
    EXPECT_EQ(rt.block_on(a.handles().perform(Operation::read)), IoResult{0});
    EXPECT_EQ(rt.block_on(a.handles().perform(Operation::write)), IoResult{0});
    const IoResult accepted = rt.block_on(a.handles().perform(Operation::accept));
    const bool stranger = static_cast<bool>(configuration().make);
    if (configuration().capabilities.foreign_registration || !stranger) {
      EXPECT_EQ(accepted, IoResult{state == State::destroyed ? -ESHUTDOWN : 0}) << static_cast<int>(state);
    } else {
      EXPECT_THAT(accepted, AnyOf(IoResult{0}, IoResult{-EXDEV}, IoResult{-ESHUTDOWN}));
    }
  }
}

RULE(MRT_02, closing) {
  IRuntime& rt = runtime();
  for (const State state : states) {
    RuntimeA a{[this] { return make(); }, confined() ? 0 : workers()};
    a.enter(state);
    rt.block_on([&]() -> Task<> {
      a.handles().close();
      co_return;
    }());
    if (!closes_at_once()) {
      // A moment later.
    } else if (configuration().capabilities.foreign_registration || state == State::destroyed) {
      EXPECT_EQ(a.handles().peer_sees(), 0) << "it is closed when the call returns";
    } else if (state == State::undriven) {
      EXPECT_EQ(a.handles().peer_sees(), -1) << "it is closed by its runtime's thread, which isn't there yet";
      a.drive();
    }
    a.handles().wait_until_peer_sees();
    EXPECT_EQ(a.handles().peer_sees(), 0);
  }
}

// --- MRT-06 -------------------------------------------------------------------------------------------------------------------

RULE(MRT_06, a_duplicate_in_each) {
  const Pair pair = socket_pair();  // open until the neighbour has ended: a confined one removes a handle dropped elsewhere later
  const Fd copy{checked(::fcntl(pair.ours.get(), F_DUPFD_CLOEXEC, 0), "fcntl")};
  Neighbour other{[this] { return make(); }};
  IRuntime& rt = runtime();
  auto ours = AsyncFd::borrow(rt, pair.ours.get());
  std::optional<AsyncFd> theirs;
  other.there([&] { theirs.emplace(AsyncFd::borrow(other.runtime(), copy.get())); });
  other.drive();
  for (int round = 0; round < 50; ++round) {
    auto elsewhere = other.runtime().spawn(edge_of(*theirs));
    rt.block_on([&]() -> Task<> {
      auto here = rt.spawn(edge_of(ours));
      put(pair.peer.get(), "x");
      EXPECT_EQ(co_await here, IoResult{0});
    }());
    EXPECT_EQ(elsewhere.wait(), IoResult{0});
    EXPECT_EQ(take(pair.ours.get(), 1), "x");
  }
}

/// Each byte wakes both readers; who finds nothing waits on.
RULE(MRT_06, one_reads_the_other_waits_on) {
  const Pair pair = socket_pair();  // open until the neighbour has ended: a confined one removes a handle dropped elsewhere later
  const Fd copy{checked(::fcntl(pair.ours.get(), F_DUPFD_CLOEXEC, 0), "fcntl")};
  Neighbour other{[this] { return make(); }};
  IRuntime& rt = runtime();
  auto ours = AsyncFd::borrow(rt, pair.ours.get());
  std::optional<AsyncFd> theirs;
  other.there([&] { theirs.emplace(AsyncFd::borrow(other.runtime(), copy.get())); });
  other.drive();
  for (int round = 0; round < 50; ++round) {
    std::atomic<unsigned> read{0};
    AutoResetEvent got_one;
    auto elsewhere = other.runtime().spawn(read_one(*theirs, read, got_one));
    rt.block_on([&]() -> Task<> {
      auto here = rt.spawn(read_one(ours, read, got_one));
      put(pair.peer.get(), "x");
      co_await got_one.wait();
      EXPECT_EQ(read, 1u);
      put(pair.peer.get(), "y");
      EXPECT_EQ(co_await here, IoResult{1});
    }());
    EXPECT_EQ(elsewhere.wait(), IoResult{1});
    EXPECT_EQ(read, 2u);
  }
}

/// Without a duplicate: two reactors know the descriptor each by itself, a common one says that it is there already.
RULE(MRT_06, the_same_descriptor_in_both) {
  const Pair pair = socket_pair();
  Neighbour other{[this] { return make(); }};
  IRuntime& rt = runtime();
  auto ours = AsyncFd::borrow(rt, pair.ours.get());
  std::optional<AsyncFd> theirs;
  std::string refused;
  other.there([&] {
    try {
      theirs.emplace(AsyncFd::borrow(other.runtime(), pair.ours.get()));
    } catch (const std::system_error& error) {
      refused = error.what();
      EXPECT_EQ(error.code().value(), EEXIST);
    }
  });
  if (theirs) {
    EXPECT_NE(configuration().variant, "oncelock_global");
  } else {
    EXPECT_THAT(refused, HasSubstr("dup()"));
  }
  other.drive();
  put(pair.peer.get(), "x");
  if (theirs) {
    EXPECT_EQ(other.runtime().spawn(edge_of(*theirs)).wait(), IoResult{0});
  }
  EXPECT_EQ(rt.block_on(edge_of(ours)), IoResult{0});
  theirs.reset();
  put(pair.peer.get(), "y");
  EXPECT_EQ(rt.block_on(edge_of(ours)), IoResult{0});
}

}  // namespace reactorlab::conformance
