#include "core/datagram_buffers.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "core/sys_uring.hpp"

namespace reactorlab {

DatagramBuffers::DatagramBuffers(Ring& ring)
    : ring_{ring, group, count}, area_{static_cast<std::byte*>(sys::map_buffer_ring(count * capacity))} {
  if (!area_) throw std::bad_alloc{};
  for (std::uint16_t id = 0; id != count; ++id) provide(id);
  ring_.publish();
}

DatagramBuffers::~DatagramBuffers() {
  ring_.close();
  sys::release_addresses(area_, count * capacity);
}

DatagramBuffers::View DatagramBuffers::look(std::uint16_t id, std::size_t filled) const noexcept {
  io_uring_recvmsg_out header;
  constexpr std::size_t before = sizeof header + name_capacity;
  if (filled < before) return {};
  std::memcpy(&header, at(id), sizeof header);
  return {{at(id) + sizeof header, std::min<std::size_t>(header.namelen, name_capacity)},
          {at(id) + before, filled - before},
          header.payloadlen};
}

}  // namespace reactorlab
