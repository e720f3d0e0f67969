#pragma once
// The echo of a positive control: the same session with a known amount of work more for each byte that it answers.

#include "core/reactorlab.hpp"
#include "harness/scenarios/spin.hpp"

#include <atomic>

namespace reactorlab::scenarios {

/// What sessions owe and what they did. By bytes, because a server doesn't know where messages end.
struct SpinAccount {
  std::uint64_t per_mib = 0;                ///< iterations for 2^20 bytes; 0: no control
  std::atomic<std::uint64_t> iterations{};  ///< done by sessions that have ended
};

/// A session's part, booked when it ends or is cancelled.
class SpinDebt {
 public:
  explicit SpinDebt(SpinAccount& account) : account_{account} {}
  ~SpinDebt() { account_.iterations.fetch_add(done_, std::memory_order_relaxed); }
  SpinDebt(const SpinDebt&) = delete;

  void pay_for(std::size_t bytes) noexcept {
    bytes_ += bytes;
    const std::uint64_t due = bytes_ * account_.per_mib / (1U << 20U) - done_;
    spin(due);
    done_ += due;
  }

 private:
  SpinAccount& account_;
  std::uint64_t bytes_ = 0, done_ = 0;
};

/// As echo_session, with the work between reading and answering: the place of a handler.
template <class Rt, class Stream = BasicTcpStream<Rt>>
Task<> spinning_echo_session(Stream stream, SpinAccount& account) {
  SpinDebt debt{account};
  for (;;) {
    const Lease lease = co_await stream.read_lease();
    if (!lease) co_return;
    debt.pay_for(lease.size());
    const IoResult sent = co_await stream.write_all(lease);
    if (!sent) co_return;
  }
}

}  // namespace reactorlab::scenarios
