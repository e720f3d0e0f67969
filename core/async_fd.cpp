#include "core/async_fd.hpp"

#include "core/sys.hpp"

namespace reactorlab {

IoResult make_nonblocking(int fd) noexcept {
  const long flags = sys::fcntl(fd, F_GETFL);
  if (flags < 0) return flags;
  if (flags & O_NONBLOCK) return 0;
  return sys::fcntl(fd, F_SETFL, (mutated(Mutant::setfl_drops_other_flags) ? 0 : flags) | O_NONBLOCK);
}

bool is_socket(int fd) noexcept {
  int type;
  socklen_t size = sizeof type;
  return sys::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

}  // namespace reactorlab
