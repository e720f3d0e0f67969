#pragma once
// The kernel seam's part for rings. To a script these calls look like epoll's counterparts, so that what it says of a poller holds
// whatever the poller: making one (epoll_create1), telling it of a source (epoll_ctl), waiting (epoll_wait). io_uring_enter, which
// is part of the last two, isn't seen by itself. What only rings have isn't a call, but passes here all the same: each entry before
// it is queued (ring_submission), each completion before it is looked at (CompletionGate).

#include <linux/io_uring.h>

#include <utility>
#include <vector>

#include "core/sys.hpp"

namespace reactorlab::sys {

template <class... Arguments>
[[gnu::always_inline]] inline long ring_call(long number, Arguments... arguments) noexcept {
#if REACTORLAB_LIBC_SYSCALLS
  return checked(::syscall(number, arguments...));
#else
  return enter(number, arguments...);
#endif
}

/// `entries` of the submission queue; `params` as io_uring_setup(2) says. The ring's descriptor is close-on-exec.
inline long io_uring_setup(unsigned entries, io_uring_params* params) noexcept {
  return issue({Op::epoll_create1, -1}, [=](const Call&) { return ring_call(SYS_io_uring_setup, entries, params); });
}

/// Submits `submissions` entries. With IORING_ENTER_GETEVENTS it waits until there are `completions`, no longer than the argument
/// says (IORING_ENTER_EXT_ARG), and does what the ring has put off. The number of entries taken; the completion queue says the
/// rest.
inline long io_uring_enter(int ring, unsigned submissions, unsigned completions, unsigned flags,
                           const io_uring_getevents_arg* argument = nullptr) noexcept {
  return ring_call(SYS_io_uring_enter, ring, submissions, completions, flags, argument, argument ? sizeof *argument : 0);
}

/// A registration, a change or a removal: `kernel(call)` answers as epoll_ctl does.
template <class Kernel>
inline long control_like_epoll(int poller, int command, int fd, epoll_event* event, Kernel&& kernel) noexcept {
  return issue({Op::epoll_ctl, poller, event, 1, fd, command}, std::forward<Kernel>(kernel));
}

/// A wait: `kernel(call)` answers as epoll_wait does.
template <class Kernel>
inline long wait_like_epoll(int poller, epoll_event* events, std::size_t capacity, int timeout_ms, Kernel&& kernel) noexcept {
  return issue({Op::epoll_wait, poller, events, capacity, timeout_ms}, std::forward<Kernel>(kernel));
}

/// Before an entry is queued. `kind`: of its request (RingRequest). False: a script has it that the queue is full and the kernel
/// takes nothing.
inline bool may_queue(int ring, long kind) noexcept {
  return issue({Op::ring_submission, ring, nullptr, 0, kind}, [](const Call&) { return 0L; }) >= 0;
}

/// Completions on their way to who looks at them. A script may change each one's copy (`data`), or hold it back (-EAGAIN): then it
/// comes with the next look, so that they are out of order. Unsynchronised; nothing at all in the shipped flavour.
class CompletionGate {
 public:
#if REACTORLAB_INSTRUMENTED
  bool holds_some() const noexcept { return !held_.empty(); }
  /// Those that were held back, in their order, as long as there is room.
  template <class HasRoom, class Look>
  void offer_again(int ring, HasRoom&& has_room, Look&& look) {
    for (const auto& [kind, completion] : std::exchange(held_, {})) {
      if (has_room()) {
        pass(ring, kind, completion, look);
      } else {
        held_.push_back({kind, completion});
      }
    }
  }
  template <class Look>
  void pass(int ring, long kind, const io_uring_cqe& completion, Look&& look) {
    io_uring_cqe copy = completion;
    if (issue({Op::ring_completion, ring, &copy, sizeof copy, kind}, [](const Call&) { return 0L; }) == -EAGAIN) {
      held_.push_back({kind, completion});
    } else {
      look(copy);
    }
  }

 private:
  struct Held {
    long kind;
    io_uring_cqe completion;
  };
  std::vector<Held> held_;
#else
  static constexpr bool holds_some() noexcept { return false; }
  template <class HasRoom, class Look>
  static constexpr void offer_again(int, HasRoom&&, Look&&) noexcept {}
  template <class Look>
  [[gnu::always_inline]] static void pass(int, long, const io_uring_cqe& completion, Look&& look) noexcept {
    look(completion);
  }
#endif
};

/// A part of a ring's memory, shared with the kernel; nullptr if it can't be had. release_addresses() ends it.
inline void* map_ring(int ring, std::size_t size, std::uint64_t part) noexcept {
  const long address = issue({Op::mmap, ring, nullptr, size}, [=](const Call&) {
    void* const p = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, static_cast<off_t>(part));
    return p == MAP_FAILED ? -long{errno} : reinterpret_cast<long>(p);
  });
  return address < 0 ? nullptr : reinterpret_cast<void*>(address);
}

/// Memory for a ring of buffers, as zeros; nullptr if there is none. release_addresses() ends it.
inline void* map_buffer_ring(std::size_t size) noexcept {
  const long address = issue({Op::mmap, -1, nullptr, size}, [=](const Call&) {
    void* const p = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? -long{errno} : reinterpret_cast<long>(p);
  });
  return address < 0 ? nullptr : reinterpret_cast<void*>(address);
}

/// The kernel takes buffers for what it receives from a ring of `count` entries at `entries`, a page's beginning. A script
/// sees an mmap: it is memory that the kernel takes note of.
inline long register_buffer_ring(int ring, void* entries, unsigned count, std::uint16_t group) noexcept {
  return issue({Op::mmap, -1}, [=](const Call&) {
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(entries);
    registration.ring_entries = count;
    registration.bgid = group;
    return ring_call(SYS_io_uring_register, ring, unsigned{IORING_REGISTER_PBUF_RING}, &registration, 1u);
  });
}

/// The kernel takes no more buffers of that group. Can't fail for one that is registered; not for scripts.
inline void unregister_buffer_ring(int ring, std::uint16_t group) noexcept {
  io_uring_buf_reg registration{};
  registration.bgid = group;
  (void)ring_call(SYS_io_uring_register, ring, unsigned{IORING_UNREGISTER_PBUF_RING}, &registration, 1u);
}

/// Ends the request of that name, whoever submitted it, and waits for one that can't be ended, for `limit_ms` at most. -ENOENT:
/// there is none. Of another thread's the end may still be to come. Not for scripts.
inline long end_request(int ring, std::uint64_t user_data, long limit_ms) noexcept {
  io_uring_sync_cancel_reg which{};
  which.addr = user_data;
  which.fd = -1;
  which.timeout.tv_nsec = limit_ms * 1'000'000;
  return ring_call(SYS_io_uring_register, ring, unsigned{IORING_REGISTER_SYNC_CANCEL}, &which, 1u);
}

/// What a descriptor refers to; a script sees an lstat of it.
inline long fstat(int fd, struct stat* status) noexcept {
  return issue({Op::lstat, fd}, [=](const Call&) { return ring_call(SYS_fstat, fd, status); });
}

}  // namespace reactorlab::sys
