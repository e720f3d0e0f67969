#include "impls/raw_uring/in_process.hpp"

#include "harness/peer_kit.hpp"
#include "impls/raw_uring/ring.hpp"

#include <cstdint>
#include <optional>
#include <system_error>
#include <vector>

namespace reactorlab::raw_uring {
namespace {

/// The foreign thread's ring: a message to another ring is sent from one.
class Bell {
 public:
  explicit Bell(int target_fd) : target_fd_(target_fd) {
    const int result = ::io_uring_queue_init(8, &ring_, 0);
    if (result < 0) throw std::system_error(-result, std::system_category(), "raw_uring: a ring for the foreign thread");
  }
  ~Bell() { ::io_uring_queue_exit(&ring_); }
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  /// One system call, after which the message is in the target or fails there; of a success no completion is left here.
  void ring() {
    io_uring_sqe* entry = ::io_uring_get_sqe(&ring_);
    ::io_uring_prep_msg_ring(entry, target_fd_, 0, 0, 0);
    entry->flags = IOSQE_CQE_SKIP_SUCCESS;
    entry->user_data = 0;
    ::io_uring_submit(&ring_);
  }

 private:
  const int target_fd_;
  io_uring ring_{};
};

}  // namespace

InProcessReport cross_thread_wake(const InProcessRequest& request) {
  Ring ring({.submissions = 8, .completions = 64});
  ring.enter();
  Bell bell(ring.get().ring_fd);
  peer_kit::PingPong game(request);
  game.start([&bell] { bell.ring(); });
  for (bool playing = true; playing;) ring.turn(Until::More, [&](const io_uring_cqe&) { playing = game.answer(); });
  const InProcessReport report = game.report();
  ring.leave();
  return report;
}

InProcessReport timer_fire(const InProcessRequest& request) {
  constexpr std::uint64_t kNsPerS = 1'000'000'000;
  peer_kit::FiringRounds rounds(request);
  Ring ring({});
  ring.enter();
  std::vector<__kernel_timespec> deadlines(rounds.timers());  // the kernel reads one when its entry is submitted
  std::uint64_t armed = 0;
  const auto arm = [&](std::uint64_t timer) {
    const std::optional<std::uint64_t> deadline = rounds.next_deadline_ns(timer);
    if (!deadline) return;
    deadlines[timer] = {.tv_sec = static_cast<long long>(*deadline / kNsPerS),
                        .tv_nsec = static_cast<long long>(*deadline % kNsPerS)};
    io_uring_sqe& entry = ring.next();
    ::io_uring_prep_timeout(&entry, &deadlines[timer], 0, IORING_TIMEOUT_ABS);
    entry.user_data = timer;
    ++armed;
  };
  rounds.open();
  for (std::uint64_t timer = 0; timer < rounds.timers(); ++timer) arm(timer);
  while (armed > 0) {
    ring.turn(Until::More, [&](const io_uring_cqe& fired) {
      --armed;
      rounds.fire(fired.user_data);
      arm(fired.user_data);
    });
  }
  ring.leave();
  return rounds.report();
}

}  // namespace reactorlab::raw_uring
