#include "harness/measure/process_setup.hpp"

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>

namespace reactorlab::measure {

std::vector<int> allowed_cpus_of(pid_t pid) {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (::sched_getaffinity(pid, sizeof set, &set) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  return cpus;
}

std::vector<int> allowed_cpus() { return allowed_cpus_of(0); }

void pin_this_thread(const std::vector<int>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus)
    if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0)
    throw std::system_error(errno, std::system_category(),
                            fmt::format("cannot pin to CPU {} (does this process's cpuset allow it?)", fmt::join(cpus, ",")));
}

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
  }
  return limit.rlim_cur;
}

void require_descriptors(std::uint64_t needed, const std::string& what_for) {
  const std::uint64_t have = raise_descriptor_limit();
  if (have >= needed) return;
  throw std::runtime_error(
      fmt::format("{} needs {} open files, the limit is {} even after raising it to the hard limit: "
                  "{} are missing. Ask for fewer connections, or raise the hard limit (as root: ulimit "
                  "-Hn {})",
                  what_for, needed, have, needed - have, needed));
}

}  // namespace reactorlab::measure
