#include "core/provided_buffers.hpp"

#include "core/error.hpp"
#include "core/sys_uring.hpp"

namespace reactorlab {

ProvidedBuffers::ProvidedBuffers(Ring& ring, unsigned count) : ring_{ring}, count_{count} {
  const std::size_t size = count * sizeof(io_uring_buf);
  entries_ = static_cast<io_uring_buf*>(sys::map_buffer_ring(size));
  if (!entries_) throw std::bad_alloc{};
  const long registered = sys::register_buffer_ring(ring.fd(), entries_, count, group);
  if (registered < 0) {
    sys::release_addresses(entries_, size);
    throw_errno(static_cast<int>(-registered), "providing buffers to a ring", "Linux 6.1 is needed; use --backend=uring_poll");
  }
  for (unsigned id = count; id-- != 0;) missing_[missing_count_++] = static_cast<std::uint16_t>(id);
  while (missing_count_ != 0) {
    ReadBuffer* const buffer = BufferPool::take();
    if (!buffer) break;
    provide(missing_[--missing_count_], *buffer);
  }
  publish();
}

ProvidedBuffers::~ProvidedBuffers() {
  sys::unregister_buffer_ring(ring_.fd(), group);
  sys::release_addresses(entries_, count_ * sizeof(io_uring_buf));
  for (ReadBuffer* const buffer : lent_) {
    if (buffer) BufferPool::put(buffer);
  }
}

ReadBuffer* ProvidedBuffers::take(std::uint16_t id) noexcept {
  ReadBuffer* const buffer = std::exchange(lent_[id], nullptr);
  if (mutated(Mutant::buffer_provided_twice)) {
    provide(id, *buffer);
    publish();
    return buffer;
  }
  missing_[missing_count_++] = id;
  return buffer;
}

void ProvidedBuffers::replenish(Refill refill) noexcept {
  if (missing_count_ == 0) return;
  // A batch lends some, which come back: no new ones for a few. More than half in any case, or bursts run out of them.
  const unsigned least = refill == Refill::most ? count_ * 5 / 8 : count_ / 2;
  while (missing_count_ != 0) {
    ReadBuffer* const buffer = count_ - missing_count_ < least ? BufferPool::take() : BufferPool::take_used();
    if (!buffer) break;
    provide(missing_[--missing_count_], *buffer);
  }
  publish();
}

void ProvidedBuffers::provide(std::uint16_t id, ReadBuffer& buffer) noexcept {
  lent_[id] = &buffer;
  io_uring_buf& entry = entries_[tail_++ & (count_ - 1)];
  entry.addr = reinterpret_cast<std::uintptr_t>(buffer.bytes);
  entry.len = ReadBuffer::capacity;
  entry.bid = id;
}

void ProvidedBuffers::publish() noexcept { reinterpret_cast<Atomic<std::uint16_t>&>(entries_[0].resv).store(tail_, release); }

}  // namespace reactorlab
