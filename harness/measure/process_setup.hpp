#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

/// What a process arranges for itself before it measures or is measured.
namespace reactorlab::measure {

/// The CPUs that the calling thread may run on, in order.
[[nodiscard]] std::vector<int> allowed_cpus();

/// The CPUs of another process's main thread; empty where it is gone.
[[nodiscard]] std::vector<int> allowed_cpus_of(pid_t pid);

/// Throws std::system_error.
void pin_this_thread(const std::vector<int>& cpus);

/// Raises the soft limit of open files to the hard one and returns it.
std::uint64_t raise_descriptor_limit();

/// Throws std::runtime_error that says how many are missing and who can raise the limit.
void require_descriptors(std::uint64_t needed, const std::string& what_for);

}  // namespace reactorlab::measure
