#include "harness/primitives/partner.hpp"

#include "harness/primitives/require.hpp"

#include <ctime>

#include <pthread.h>

namespace reactorlab::primitives {
namespace {

double read_ns(clockid_t clock) {
  timespec time{};
  require(::clock_gettime(clock, &time) < 0 ? -errno : 0, "clock_gettime of a CPU clock");
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

}  // namespace

double Partner::cpu_ns() {
  clockid_t clock{};
  require(-::pthread_getcpuclockid(thread_.native_handle(), &clock), "pthread_getcpuclockid");
  return read_ns(clock);
}

double own_cpu_ns() { return read_ns(CLOCK_THREAD_CPUTIME_ID); }
double process_cpu_ns() { return read_ns(CLOCK_PROCESS_CPUTIME_ID); }

}  // namespace reactorlab::primitives
