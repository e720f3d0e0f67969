#include "core/buffer_ring.hpp"

#include <new>
#include <utility>

#include "core/error.hpp"
#include "core/sys_uring.hpp"

namespace reactorlab {

BufferRing::BufferRing(Ring& ring, std::uint16_t group, unsigned count) : ring_{ring}, group_{group}, count_{count} {
  const std::size_t size = count * sizeof(io_uring_buf);
  entries_ = static_cast<io_uring_buf*>(sys::map_buffer_ring(size));
  if (!entries_) throw std::bad_alloc{};
  const long registered = sys::register_buffer_ring(ring.fd(), entries_, count, group);
  if (registered < 0) {
    sys::release_addresses(entries_, size);
    throw_errno(static_cast<int>(-registered), "providing buffers to a ring", "Linux 6.1 is needed; use --backend=uring_poll");
  }
}

void BufferRing::close() noexcept {
  if (!entries_) return;
  sys::unregister_buffer_ring(ring_.fd(), group_);
  sys::release_addresses(std::exchange(entries_, nullptr), count_ * sizeof(io_uring_buf));
}

}  // namespace reactorlab
