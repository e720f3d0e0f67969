#pragma once

#include <cerrno>
#include <string>

namespace reactorlab {

/// Why a ring of a peer couldn't be made, and what to do: the text for an errno of io_uring_setup(2).
inline std::string uring_remedy(int error) {
  switch (error) {
    case ENOSYS: return "there is no io_uring here: it needs Linux 6.1 or newer, and a container's seccomp profile may hide it";
    case EPERM:
    case EACCES:
      return "io_uring is forbidden here: set the sysctl kernel.io_uring_disabled=0, or use a seccomp profile that allows "
             "io_uring_setup";
    case EINVAL: return "this kernel's io_uring is too old: deferred completions (DEFER_TASKRUN) need Linux 6.1 or newer";
    case EMFILE:
    case ENFILE: return "no descriptor is left for a ring: raise the limit of open files (ulimit -n)";
    case ENOMEM: return "no memory is left for a ring: raise the limit of locked memory (ulimit -l)";
    default: return "no io_uring could be made";
  }
}

}  // namespace reactorlab
