#include "harness/measure/kernel_counts.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace reactorlab::measure {
namespace {

/// What event loops, executors and their libraries call; the rest is "other".
constexpr std::pair<std::string_view, long> kNamedCalls[] = {
    {"read", SYS_read},
    {"write", SYS_write},
    {"readv", SYS_readv},
    {"writev", SYS_writev},
    {"recvfrom", SYS_recvfrom},
    {"sendto", SYS_sendto},
    {"recvmsg", SYS_recvmsg},
    {"sendmsg", SYS_sendmsg},
    {"accept4", SYS_accept4},
    {"close", SYS_close},
    {"epoll_ctl", SYS_epoll_ctl},
#ifdef SYS_epoll_wait  // newer architectures have only epoll_pwait and ppoll
    {"epoll_wait", SYS_epoll_wait},
    {"poll", SYS_poll},
#endif
    {"epoll_pwait", SYS_epoll_pwait},
    {"ppoll", SYS_ppoll},
    {"epoll_pwait2", SYS_epoll_pwait2},
    {"eventfd2", SYS_eventfd2},
    {"timerfd_settime", SYS_timerfd_settime},
    {"futex", SYS_futex},
    {"sched_yield", SYS_sched_yield},
    {"io_uring_enter", SYS_io_uring_enter},
    {"fcntl", SYS_fcntl},
    {"ioctl", SYS_ioctl},
    {"mmap", SYS_mmap},
    {"munmap", SYS_munmap},
    {"mprotect", SYS_mprotect},
    {"madvise", SYS_madvise},
    {"brk", SYS_brk},
    {"clone3", SYS_clone3},
};

constexpr const char* kTotal = "syscalls";
constexpr const char* kEventFolders[] = {"/sys/kernel/tracing/events/", "/sys/kernel/debug/tracing/events/"};

std::optional<std::uint64_t> tracepoint_id(const std::string& name) {
  for (const char* folder : kEventFolders) {
    std::ifstream file(folder + name + "/id");
    if (std::uint64_t id = 0; file >> id) return id;
  }
  return std::nullopt;
}

/// Inherited by what this thread starts, and counting from the exec there. -> descriptor or -errno
int open_event(std::uint32_t type, std::uint64_t config) {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = type;
  attributes.config = config;
  attributes.disabled = 1;
  attributes.inherit = 1;
  attributes.enable_on_exec = 1;
  constexpr int kThisThread = 0, kAnyCpu = -1, kNoGroup = -1;
  const long fd = ::syscall(SYS_perf_event_open, &attributes, kThisThread, kAnyCpu, kNoGroup, PERF_FLAG_FD_CLOEXEC);
  return fd < 0 ? -errno : static_cast<int>(fd);
}

std::string cause_of(int error) {
  if (error == EACCES || error == EPERM)
    return "the kernel doesn't let this user count tracepoints: be root, or set /proc/sys/kernel/perf_event_paranoid to -1";
  return fmt::format("perf_event_open: {}", std::system_category().message(error));
}

constexpr const char* kNoTracepoints =
    "there are no tracepoints to be seen: be root, and mount -t tracefs nodev /sys/kernel/tracing (a kernel without them needs "
    "CONFIG_FTRACE_SYSCALLS)";

}  // namespace

std::optional<std::string> KernelCounts::obstacle() {
  const auto id = tracepoint_id("raw_syscalls/sys_enter");
  if (!id) return kNoTracepoints;
  const int fd = open_event(PERF_TYPE_TRACEPOINT, *id);
  if (fd < 0) return cause_of(-fd);
  const bool filtered = ::ioctl(fd, PERF_EVENT_IOC_SET_FILTER, "id == 0") == 0;
  const int error = errno;
  ::close(fd);
  return filtered ? std::nullopt : std::optional(cause_of(error));
}

std::vector<KernelCounts::Counter> KernelCounts::open_all() {
  std::vector<Counter> all;
  const auto add = [&](std::string name, std::uint32_t type, std::optional<std::uint64_t> config) {
    const int fd = config ? open_event(type, *config) : -1;
    if (fd >= 0) all.push_back({std::move(name), fd});
    return fd;
  };
  const auto sys_enter = tracepoint_id("raw_syscalls/sys_enter");
  add(kTotal, PERF_TYPE_TRACEPOINT, sys_enter);
  for (const auto& [name, number] : kNamedCalls) {
    const int fd = add(fmt::format("{}.{}", kTotal, name), PERF_TYPE_TRACEPOINT, sys_enter);
    if (fd < 0 || ::ioctl(fd, PERF_EVENT_IOC_SET_FILTER, fmt::format("id == {}", number).c_str()) == 0) continue;
    ::close(fd);  // it would count every call
    all.pop_back();
  }
  add("wakeups", PERF_TYPE_TRACEPOINT, tracepoint_id("sched/sched_wakeup"));
  add("kernel_lock_contentions", PERF_TYPE_TRACEPOINT, tracepoint_id("lock/contention_begin"));
  add("migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS);
  add("page_faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS);
  return all;
}

/// A tracepoint's first event and the end of its last one cost the kernel tens of milliseconds. So one of each stays open, on a
/// thread that starts nothing and has ended.
void KernelCounts::keep_tracepoints_on() {
  static const std::vector<Counter> kept = [] {
    std::vector<Counter> all;
    std::thread{[&] { all = open_all(); }}.join();
    return all;
  }();
}

KernelCounts::KernelCounts() {
  if (const auto reason = obstacle()) throw std::runtime_error(*reason);
  keep_tracepoints_on();
  counters_ = open_all();
}

KernelCounts::~KernelCounts() {
  for (const Counter& counter : counters_) ::close(counter.fd);
}

std::map<std::string, std::uint64_t> KernelCounts::read() const {
  std::map<std::string, std::uint64_t> totals;
  std::uint64_t named = 0;
  for (const Counter& counter : counters_) {
    std::uint64_t count = 0;
    if (::read(counter.fd, &count, sizeof count) != static_cast<ssize_t>(sizeof count)) continue;
    totals[counter.name] = count;
    if (counter.name.starts_with("syscalls.")) named += count;
  }
  // Read one after the other while they run, the parts may be ahead of the total.
  if (const auto all = totals.find(kTotal); all != totals.end())
    totals["syscalls.other"] = all->second - std::min(all->second, named);
  return totals;
}

}  // namespace reactorlab::measure
