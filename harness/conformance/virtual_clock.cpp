#include "harness/conformance/virtual_clock.hpp"

#include "harness/conformance/black_box.hpp"
#include "harness/conformance/kernel_tap.hpp"

namespace reactorlab::conformance {

VirtualClock::VirtualClock(Mode mode) : now_ns_{nanoseconds_of(clock::kernel_now())}, mode_{mode} {
  need_seam("virtual time");
  KernelTap::instance().install(*this);
  clock::source = this;
}

VirtualClock::~VirtualClock() {
  KernelTap::instance().remove(*this);
  clock::source = nullptr;
}

void VirtualClock::advance(Duration by) noexcept {
  now_ns_.fetch_add(static_cast<std::uint64_t>(by.count()), std::memory_order_acq_rel);
  KernelTap::instance().ring();
}

bool VirtualClock::has_come(TimePoint deadline) noexcept {
  std::uint64_t now = now_ns_.load(std::memory_order_acquire);
  while (now < nanoseconds_of(deadline)) {
    if (mode_ == Mode::manual) return false;
    if (now_ns_.compare_exchange_weak(now, nanoseconds_of(deadline), std::memory_order_acq_rel)) break;
  }
  return true;
}

}  // namespace reactorlab::conformance
