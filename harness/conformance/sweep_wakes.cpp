// A runtime from its construction to its orderly end: pipes, wakes and spawns by a thread that isn't its own, a task that is still
// waiting when it ends.

#include <signal.h>

#include <array>
#include <thread>

#include "harness/conformance/real_objects.hpp"
#include "harness/conformance/sweep.hpp"
#include "harness/conformance/tasks.hpp"

namespace reactorlab::conformance {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t pipe_size = 4096;
const std::string block(pipe_size, 'b');

Task<int> answer() { co_return 42; }

/// The other ends of two pipes, and somebody who wakes and spawns. Each step ends, whatever becomes of the runtime's: what the
/// scenario closes ends a read.
class Peer {
 public:
  Peer(SweepRun& run, Fd go, Fd from, Fd to)
      : rt_{run.runtime()}, go_{std::move(go)}, from_{std::move(from)}, to_{std::move(to)}, thread_{[this, &run] { act(run); }} {}
  ~Peer() { thread_.join(); }
  Peer(const Peer&) = delete;

  AutoResetEvent woken, done;
  /// How much came through the pipe, once it has been closed.
  std::size_t received() const noexcept { return received_.load(); }

 private:
  void act(SweepRun& run) {
    sigset_t pipe_signal;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_signal, nullptr);

    (void)take(go_.get(), 1);
    received_ = take(from_.get(), 8 * pipe_size).size();
    (void)!::write(to_.get(), "hello", 5);
    woken.set();
    run.expect(rt_.spawn(answer()).wait() == 42, "a task that a foreign thread started");
    done.set();
  }

  IRuntime& rt_;
  Fd go_, from_, to_;
  std::atomic<std::size_t> received_{0};
  std::thread thread_;
};

/// Fills the pipe, waits in vain, then until the peer has made room.
Task<> writes(SweepRun& run, int out, const Fd& go) {
  IRuntime& rt = run.runtime();
  auto pipe = AsyncFd::borrow(rt, out, Interest::none);
  run.check(co_await pipe.write(bytes_of(block)), static_cast<long>(pipe_size), "write");
  for (int in_vain = 0; in_vain < 2; ++in_vain) {
    const IoResult full = co_await timeout(rt, 1s, pipe.write(bytes_of(block)));
    if (!full) run.check(full, -ETIME, "a write to a full pipe");  // not full: an earlier write failed
  }
  (void)!::write(go.get(), "g", 1);
  run.check(co_await pipe.write(bytes_of(block)), static_cast<long>(pipe_size), "write to the peer");
}

Task<> reads(SweepRun& run, Fd& in) {
  auto pipe = AsyncFd::own(run.runtime(), in.get());
  (void)in.release();
  const IoResult ready = co_await pipe.readable();
  if (!ready) co_return run.saw(ready.error());
  std::array<std::byte, 16> buffer;
  run.check(co_await pipe.read(buffer), 5, "read from the peer");
}

/// Until the runtime ends.
Task<> lingers(SweepRun& run, int fd, Witness) {
  auto handle = AsyncFd::borrow(run.runtime(), fd);
  std::array<std::byte, 8> buffer;
  const IoResult n = co_await handle.read(buffer);
  if (!n) run.saw(n.error());
}

struct Ends {
  Fd go, out, in;
};

Task<> everything(SweepRun& run, Ends& ends, Peer& peer) {
  co_await run.guarded(writes(run, ends.out.get(), ends.go));
  ends.out.close();
  ends.go.close();
  co_await run.guarded(reads(run, ends.in));
  co_await peer.woken.wait();
  co_await peer.done.wait();
}

}  // namespace

void sweep_wakes(SweepRun& run) {
  std::atomic<unsigned> ended{0};
  const Fd never = event_fd();
  IRuntime& rt = run.runtime();
  auto lingering = rt.spawn(run.guarded(lingers(run, never.get(), Witness{ended})));
  {
    Pair go = pipe_to_write(), out = pipe_to_write(), in = pipe_to_read();
    checked(::fcntl(out.ours.get(), F_SETPIPE_SZ, int{pipe_size}), "F_SETPIPE_SZ");
    set_nonblocking(out.ours.get(), false);  // the handle's to set
    Ends ends{std::move(go.ours), std::move(out.ours), std::move(in.ours)};
    Peer peer{run, std::move(go.peer), std::move(out.peer), std::move(in.peer)};
    rt.block_on(everything(run, ends, peer));
    run.expect(peer.received() >= 2 * pipe_size, "what came through the pipe");
  }
  lingering.detach();
  run.end_runtime();
  run.expect(ended == 1, "the frame of a task that hadn't ended");
}

}  // namespace reactorlab::conformance
