#include "harness/conformance/kernel_tap.hpp"

#include <linux/io_uring.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "core/clock.hpp"
#include "harness/conformance/script.hpp"
#include "harness/conformance/virtual_clock.hpp"

namespace reactorlab::conformance {

/// A thread inside a call that a test may have something to say about.
class KernelTap::Guest {
 public:
  explicit Guest(KernelTap& tap) : tap_{tap} {
    std::lock_guard lock{tap.mutex_};
    script = tap.script_;
    clock = tap.clock_;
    if (script) ++tap.script_guests_;
    if (clock) ++tap.clock_guests_;
  }
  Guest(const Guest&) = delete;
  ~Guest() {
    std::lock_guard lock{tap_.mutex_};
    if (script) --tap_.script_guests_;
    if (clock) --tap_.clock_guests_;
    tap_.left_.notify_all();
  }

  conformance::Script* script;
  VirtualClock* clock;

 private:
  KernelTap& tap_;
};

KernelTap& KernelTap::instance() {
  static KernelTap& tap = *new KernelTap;
  return tap;
}

KernelTap::KernelTap() {
  for (Waiter& waiter : waiters_) {
    waiter.bell = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (waiter.bell < 0) throw std::runtime_error{"eventfd: raise the limit of open files"};
  }
  sys::script.store(this, std::memory_order_release);
}

long KernelTap::on_call(sys::Call& call, KernelCall kernel, const void* context) noexcept {
  ++calls_here_;
  progress_.fetch_add(1, std::memory_order_relaxed);
  long result;
  if (call.op == sys::Op::futex) {
    result = timed_wait(call, kernel, context);
  } else if (!seams_.load(std::memory_order_acquire)) {
    result = call.op == sys::Op::epoll_wait ? plain_wait(call, kernel, context) : kernel(context, call);
  } else {
    Guest guest{*this};
    if (call.op == sys::Op::epoll_wait && (guest.script || guest.clock)) {
      result = wait(guest, call, kernel, context);
    } else if (guest.script) {
      result = guest.script->on_call(call, kernel, context);
    } else {
      result = call.op == sys::Op::epoll_wait ? plain_wait(call, kernel, context) : kernel(context, call);
    }
  }
  progress_.fetch_add(1, std::memory_order_relaxed);
  return result;
}

long KernelTap::plain_wait(sys::Call& call, KernelCall kernel, const void* context) noexcept {
  plain_waits_.fetch_add(1);
  const long result = call.extra > 0 ? timed_wait(call, kernel, context) : kernel(context, call);
  plain_waits_.fetch_sub(1);
  return result;
}

long KernelTap::timed_wait(sys::Call& call, KernelCall kernel, const void* context) noexcept {
  timed_waits_.fetch_add(1, std::memory_order_relaxed);
  const long result = kernel(context, call);
  timed_waits_.fetch_sub(1, std::memory_order_relaxed);
  return result;
}

/// The wait as the test sees it: what the script injects, what the kernel reports, nothing once time (virtual or real) is up.
long KernelTap::wait(Guest& guest, sys::Call& call, KernelCall kernel, const void* context) noexcept {
  const long timeout_ms = call.extra;
  constexpr std::int64_t ns_per_ms = 1'000'000;
  const TimePoint start = guest.clock ? VirtualClock::seen_here() : clock::kernel_now();
  const TimePoint deadline = timeout_ms < 0 ? TimePoint::never : start + Duration{timeout_ms * ns_per_ms};

  Waiter* mine = nullptr;
  {
    std::lock_guard lock{mutex_};
    for (Waiter& waiter : waiters_) {
      if (waiter.taken) continue;
      mine = &waiter;
      break;
    }
    if (!mine) {
      std::fputs("kit: more than 8 threads in scripted waits\n", stderr);
      std::abort();
    }
    mine->taken = true;
    mine->leave = guest.script != script_ || guest.clock != clock_;  // removed since we came in: its bell rang without us
  }

  // poll(2) on a ring isn't told of the work that it has put off, and is told of completions that were read and not given back; an
  // eventfd that is registered with it is rung for new ones, and only for these.
  const bool ring = ::syscall(SYS_io_uring_register, call.fd, IORING_REGISTER_EVENTFD, &mine->bell, 1) == 0;

  long result = 0;
  for (;;) {
    if (guest.script) {
      const auto [answer, over] = guest.script->on_wait(call, kernel, context);
      result = answer;
      if (over) break;
    } else {
      call.extra = 0;
      result = kernel(context, call);
    }
    if (result != 0 || timeout_ms == 0) break;
    {
      std::lock_guard lock{mutex_};
      if (mine->leave) break;
    }
    int limit_ms = -1;
    if (guest.clock) {
      if (deadline != TimePoint::never && guest.clock->has_come(deadline)) break;
    } else if (deadline != TimePoint::never) {
      const TimePoint now = clock::kernel_now();
      if (now >= deadline) break;
      limit_ms = static_cast<int>((nanoseconds_of(deadline) - nanoseconds_of(now)) / ns_per_ms) + 1;
    }
    pollfd entries[2] = {{ring ? -1 : call.fd, POLLIN, 0}, {mine->bell, POLLIN, 0}};
    if (limit_ms > 0) timed_waits_.fetch_add(1, std::memory_order_relaxed);
    asleep_.fetch_add(1, std::memory_order_acq_rel);
    ::poll(entries, 2, limit_ms);
    asleep_.fetch_sub(1, std::memory_order_acq_rel);
    if (limit_ms > 0) timed_waits_.fetch_sub(1, std::memory_order_relaxed);
    std::uint64_t rings;
    [[maybe_unused]] const ssize_t drained = ::read(mine->bell, &rings, sizeof rings);
  }

  if (ring) ::syscall(SYS_io_uring_register, call.fd, IORING_UNREGISTER_EVENTFD, nullptr, 0);
  std::lock_guard lock{mutex_};
  mine->taken = false;
  std::uint64_t rings;
  [[maybe_unused]] const ssize_t drained = ::read(mine->bell, &rings, sizeof rings);
  return result;
}

template <class Seam>
void KernelTap::install_as(Seam*& place, Seam& seam, const char* name) {
  std::lock_guard lock{mutex_};
  if (place) throw std::logic_error{std::string{"a "} + name + " is installed already"};
  if (plain_waits_.load() != 0) throw std::logic_error{std::string{"make the "} + name + " before the runtime"};
  place = &seam;
  seams_.store(true, std::memory_order_release);
}

template <class Seam>
void KernelTap::remove_from(Seam*& place, unsigned& guests) noexcept {
  std::unique_lock lock{mutex_};
  place = nullptr;
  seams_.store(script_ || clock_, std::memory_order_release);
  ring_locked(true);
  left_.wait(lock, [&] { return guests == 0; });
}

void KernelTap::install(conformance::Script& script) { install_as(script_, script, "Script"); }
void KernelTap::install(VirtualClock& clock) { install_as(clock_, clock, "VirtualClock"); }
void KernelTap::remove(conformance::Script&) noexcept { remove_from(script_, script_guests_); }
void KernelTap::remove(VirtualClock&) noexcept { remove_from(clock_, clock_guests_); }

void KernelTap::ring() noexcept {
  std::lock_guard lock{mutex_};
  ring_locked(false);
}

void KernelTap::ring_locked(bool leave) noexcept {
  for (Waiter& waiter : waiters_) {
    if (!waiter.taken) continue;
    waiter.leave = waiter.leave || leave;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t rung = ::write(waiter.bell, &one, sizeof one);
  }
}

}  // namespace reactorlab::conformance
