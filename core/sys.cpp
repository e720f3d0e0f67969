#include "core/sys.hpp"

#include <sched.h>

#include <csignal>

namespace reactorlab::sys {

long write_quietly(int fd, const void* data, std::size_t size) noexcept {
  sigset_t pipe_signal, before, pending;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  sigpending(&pending);
  const bool pending_already = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  const long result = write(fd, data, size);
  if (result == -EPIPE && !pending_already) {
    const timespec now{};
    sigtimedwait(&pipe_signal, nullptr, &now);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return result;
}

void prefer_batch_scheduling() noexcept {
  const sched_param no_priority{};
  ::sched_setscheduler(0, SCHED_BATCH, &no_priority);
}

}  // namespace reactorlab::sys
