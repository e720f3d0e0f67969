// Completions: UDP sockets.

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#include "core/completions.hpp"
#include "core/mutation.hpp"
#include "core/sys_uring.hpp"

namespace reactorlab {

/// One that has come and waits to be taken.
struct Completions::Datagram {
  Datagram* next;
  std::uint32_t size;  ///< as it was sent; all of it is here
  std::uint32_t name_size;
  std::byte bytes[];  ///< and the sender's address behind them

  std::size_t memory() const noexcept { return sizeof(Datagram) + size + name_size; }
  /// Of what may wait: many small ones, or a few large ones.
  unsigned weight() const noexcept { return 1 + size / 1'024; }
};

Completions::Datagram* Completions::make_datagram(const DatagramBuffers::View& view) noexcept {
  const Datagram head{nullptr, static_cast<std::uint32_t>(view.bytes.size()), static_cast<std::uint32_t>(view.name.size())};
  void* const memory = blocks_.take(head.memory());
  if (!memory) return nullptr;
  auto* const datagram = new (memory) Datagram{head.next, head.size, head.name_size};
  if (!view.bytes.empty()) std::memcpy(datagram->bytes, view.bytes.data(), view.bytes.size());
  if (!view.name.empty()) std::memcpy(datagram->bytes + datagram->size, view.name.data(), view.name.size());
  return datagram;
}

void Completions::free_datagram(Datagram* datagram) noexcept { blocks_.give(datagram, datagram->memory()); }

Completions::Datagram& Completions::pop_datagram(Endpoint& endpoint) noexcept {
  Datagram& datagram = endpoint.datagrams.pop();
  endpoint.waiting -= static_cast<std::uint8_t>(std::min<unsigned>(endpoint.waiting, datagram.weight()));
  if (endpoint.datagrams.empty()) endpoint.waiting = 0;
  return datagram;
}

void Completions::drop_datagrams(Endpoint& endpoint) noexcept {
  while (!endpoint.datagrams.empty()) free_datagram(&endpoint.datagrams.pop());
}

void Completions::request_datagrams(Endpoint& endpoint, int fd) noexcept {
  // Read when it is submitted. A buffer is selected instead of its (no) parts.
  static constinit msghdr form = {.msg_name = nullptr,
                                  .msg_namelen = DatagramBuffers::name_capacity,
                                  .msg_iov = nullptr,
                                  .msg_iovlen = 0,
                                  .msg_control = nullptr,
                                  .msg_controllen = 0,
                                  .msg_flags = 0};
  io_uring_sqe* const entry = request(endpoint, fd, endpoint.token, RingRequest::datagram, IORING_OP_RECVMSG);
  if (!entry) return;
  entry->flags = IOSQE_BUFFER_SELECT;
  entry->buf_group = DatagramBuffers::group;
  entry->ioprio = IORING_RECV_MULTISHOT;
  entry->addr = reinterpret_cast<std::uintptr_t>(&form);
  entry->len = 1;
  endpoint.receiving = true;
}

long Completions::receive_from(Registration& slot, std::span<std::byte> into, sockaddr* name, socklen_t* name_size) noexcept {
  const int fd = slot.fd.load(relaxed);
  if (must_wait(slot)) return -EAGAIN;
  return sys::issue({sys::Op::recvfrom, fd, into.data(), into.size()}, [&](const sys::Call& call) -> long {
    auto lock = port_.lock();
    Endpoint* const open = endpoint_of(slot);
    if (!open) return -EBADF;
    Endpoint& endpoint = *open;
    if (!endpoint.datagrams.empty()) {
      Datagram& datagram = pop_datagram(endpoint);
      const std::size_t size = datagram.size;
      if (const std::size_t fits = std::min(size, call.size)) std::memcpy(into.data(), datagram.bytes, fits);
      if (name) {
        *name_size = std::min<socklen_t>(*name_size, datagram.name_size);
        if (*name_size != 0) std::memcpy(name, datagram.bytes + size, *name_size);
      }
      free_datagram(&datagram);
      return static_cast<long>(size);
    }
    if (endpoint.failed) return std::exchange(endpoint.failed, std::int16_t{0});
    if (endpoint.receiving && !endpoint.cancelling) return -EAGAIN;
    const long n = sys::ring_call(SYS_recvfrom, fd, into.data(), call.size, int{MSG_TRUNC}, name, name_size);
    if (n == -EAGAIN && !endpoint.receiving) request_datagrams(endpoint, fd);
    return n;
  });
}

/// Its buffer is the kernel's again in any case.
std::uint32_t Completions::arrived(Endpoint* endpoint, const io_uring_cqe& completion) noexcept {
  Datagram* datagram = nullptr;
  if (completion.flags & IORING_CQE_F_BUFFER) {
    const auto id = static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
    if (endpoint && completion.res > 0)
      datagram = make_datagram(datagram_buffers_.look(id, static_cast<std::size_t>(completion.res)));
    datagram_buffers_.give_back(id);
  }
  if (!endpoint) return 0;
  if (!(completion.flags & IORING_CQE_F_MORE)) endpoint->receiving = endpoint->cancelling = false;
  if (!datagram) return failed(*endpoint, completion.res < 0 ? completion.res : -ENOMEM);
  endpoint->datagrams.push(*datagram);
  constexpr unsigned heaviest = std::numeric_limits<std::uint8_t>::max();
  endpoint->waiting = static_cast<std::uint8_t>(std::min(heaviest, endpoint->waiting + datagram->weight()));
  // Who takes none leaves them to the kernel, which drops what its own queue has no room for.
  if (endpoint->waiting >= most_datagrams && endpoint->receiving && !endpoint->cancelling) {
    endpoint->cancelling = true;
    port_.cancel(user_data(endpoint->token, RingRequest::datagram));
  }
  return EPOLLIN;
}

}  // namespace reactorlab
