#pragma once
// What the kernel says about readiness. One implementation per facility (poller_epoll.cpp, ...); virtual, because every call is
// once per turn or per registration, never per operation.

#include <cstdint>
#include <memory>
#include <span>

#include "core/ablation.hpp"
#include "core/backend.hpp"
#include "core/slab.hpp"
#include "core/types.hpp"

namespace reactorlab {

/// One report: which source, and what of it. The layout is epoll_event's, so that nothing is copied.
struct [[gnu::packed]] Event {
  std::uint32_t mask;  ///< EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP, EPOLLHUP, EPOLLERR
  Token token;
};

class Poller {
 public:
  static constexpr std::size_t batch = 256;  ///< events taken in one turn

  virtual ~Poller() = default;

  /// Registers edge-triggered interest. 0 or -errno; after an error nothing is registered. Any thread.
  virtual IoResult add(int fd, Token token, Interest interest) noexcept = 0;
  virtual IoResult modify(int fd, Token token, Interest interest) noexcept = 0;
  /// No report of that registration is produced after this returns; one that was taken before may still be in a batch.
  virtual IoResult remove(int fd) noexcept = 0;

  /// Waits until something is ready, the time has come or somebody kicks. The number of events, or -errno.
  /// `timeout_ms` -1: without limit. One thread at a time.
  virtual IoResult wait(std::span<Event> events, int timeout_ms) noexcept = 0;

  /// Whether operations on sockets are completed by it: completions.hpp.
  virtual bool completes() const noexcept { return false; }
  /// Requests that were queued go to the kernel. Whoever waits here now and then calls it before it sleeps elsewhere, or ends.
  virtual void flush() noexcept {}

  /// Calls of epoll_ctl that nobody asked for by the above. Exclusion of who waits.
  virtual std::uint64_t rearms() const noexcept { return 0; }

  /// Ends a wait that is under way, or the next one. Any thread; coalesces.
  virtual void kick() noexcept = 0;
  /// Where kick() knocks; the reactor registers it like any other source.
  virtual int kick_fd() const noexcept = 0;
};

/// `use`: which threads call add() and the like. Tokens are `slab`'s, which outlives the poller. Throws std::system_error with
/// cause and remedy.
std::unique_ptr<Poller> make_poller(Backend backend, RingUse use, Slab& slab, Ablation ablation = Ablation::none);

/// Throws as above.
std::unique_ptr<Poller> make_epoll_poller();
/// The same, ablated; nullptr where the ablation is none of a poller.
std::unique_ptr<Poller> make_ablated_poller(Ablation ablation, Slab& slab);

}  // namespace reactorlab
