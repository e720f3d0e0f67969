#include "impls/raw_uring/ring.hpp"

#include "harness/uring_remedy.hpp"

#include <cerrno>
#include <string>
#include <system_error>

namespace reactorlab::raw_uring {
namespace {

void check(int result, const std::string& what) {
  if (result < 0) throw std::system_error(-result, std::system_category(), "raw_uring: " + what);
}

}  // namespace

Ring::Ring(RingSizes sizes) {
  io_uring_params parameters{};
  parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL |
                     IORING_SETUP_CQSIZE | IORING_SETUP_R_DISABLED;
  parameters.cq_entries = sizes.completions;
  const int result = ::io_uring_queue_init_params(sizes.submissions, &ring_, &parameters);
  if (result < 0) check(result, uring_remedy(-result));
  batch_ = batch_max_ = std::min(kBatch, ring_.cq.ring_entries / 2);
}

void Ring::enter() {
  // Not io_uring_enable_rings: Debian's shared library of 2.3 forgot to export it.
  check(::io_uring_register(static_cast<unsigned>(ring_.ring_fd), IORING_REGISTER_ENABLE_RINGS, nullptr, 0), "io_uring_register");
  ::io_uring_register_ring_fd(&ring_);  // spares a look-up of the descriptor per call; without it the ring works all the same
}

io_uring_sqe& Ring::next() {
  for (;;) {
    if (io_uring_sqe* entry = ::io_uring_get_sqe(&ring_)) return *entry;
    submit();
  }
}

void Ring::submit() {
  ++enters_;
  const int result = ::io_uring_submit(&ring_);
  if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY) check(result, "io_uring_enter");
}

/// Interrupted, or short of memory or of room for completions: what wasn't submitted goes with the next call.
void Ring::enter_kernel(unsigned wait_for) {
  ++enters_;
  const int result = ::io_uring_submit_and_wait(&ring_, wait_for);
  if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY) check(result, "io_uring_enter");
}

}  // namespace reactorlab::raw_uring
