#include "harness/conformance/wall_clock.hpp"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

namespace reactorlab::conformance {
namespace {

std::atomic<long> offset_s{0};
std::atomic<unsigned> wall_reads{0};

bool is_wall_clock(clockid_t id) noexcept { return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_TAI; }

}  // namespace

WallClock::WallClock() { wall_reads = 0; }
WallClock::~WallClock() { offset_s = 0; }
void WallClock::jump(std::chrono::seconds by) noexcept { offset_s.fetch_add(by.count()); }
unsigned WallClock::reads() const noexcept { return wall_reads; }

}  // namespace reactorlab::conformance

/// Takes the place of the C library's in programs that use a WallClock.
extern "C" int clock_gettime(clockid_t id, timespec* out) noexcept {
  using namespace reactorlab::conformance;
  const long result = ::syscall(SYS_clock_gettime, id, out);
  if (is_wall_clock(id)) {
    wall_reads.fetch_add(1, std::memory_order_relaxed);
    if (result == 0) out->tv_sec += offset_s.load(std::memory_order_relaxed);
  }
  return static_cast<int>(result);
}
