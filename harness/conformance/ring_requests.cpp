#include "harness/conformance/ring_requests.hpp"

#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace reactorlab::conformance {
namespace {

/// What IORING_REGISTER_SYNC_CANCEL says: it needs no entry of the ring's queue.
long cancel_now(int ring, std::uint64_t user_data, int fd, unsigned flags) {
  io_uring_sync_cancel_reg cancel{};
  cancel.addr = user_data;
  cancel.fd = fd;
  cancel.flags = flags;
  cancel.timeout = {-1, -1};
  const long result = ::syscall(SYS_io_uring_register, ring, IORING_REGISTER_SYNC_CANCEL, &cancel, 1);
  if (result < 0 && errno != ENOENT && errno != EALREADY) throw std::system_error{errno, std::system_category(), "SYNC_CANCEL"};
  return result < 0 ? -errno : result;
}

}  // namespace

bool end_request(int ring, std::uint64_t user_data) { return cancel_now(ring, user_data, -1, 0) != -ENOENT; }

unsigned end_requests_of(int ring, int fd) {
  const long result = cancel_now(ring, 0, fd, IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL);
  return result < 0 ? 0 : static_cast<unsigned>(result);
}

}  // namespace reactorlab::conformance
