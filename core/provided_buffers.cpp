#include "core/provided_buffers.hpp"

#include <utility>

#include "core/mutation.hpp"

namespace reactorlab {

ProvidedBuffers::ProvidedBuffers(Ring& ring, unsigned count) : ring_{ring, group, count} {
  for (unsigned id = count; id-- != 0;) missing_[missing_count_++] = static_cast<std::uint16_t>(id);
  while (missing_count_ != 0) {
    ReadBuffer* const buffer = BufferPool::take();
    if (!buffer) break;
    provide(missing_[--missing_count_], *buffer);
  }
  ring_.publish();
}

ProvidedBuffers::~ProvidedBuffers() {
  ring_.close();
  for (ReadBuffer* const buffer : lent_) {
    if (buffer) BufferPool::put(buffer);
  }
}

ReadBuffer* ProvidedBuffers::take(std::uint16_t id) noexcept {
  ReadBuffer* const buffer = std::exchange(lent_[id], nullptr);
  if (mutated(Mutant::buffer_provided_twice)) {
    provide(id, *buffer);
    ring_.publish();
    return buffer;
  }
  missing_[missing_count_++] = id;
  return buffer;
}

void ProvidedBuffers::replenish(Refill refill) noexcept {
  if (missing_count_ == 0) return;
  // A batch lends some, which come back: no new ones for a few. More than half in any case, or bursts run out of them.
  const unsigned least = refill == Refill::most ? ring_.count() * 5 / 8 : ring_.count() / 2;
  while (missing_count_ != 0) {
    ReadBuffer* const buffer = ring_.count() - missing_count_ < least ? BufferPool::take() : BufferPool::take_used();
    if (!buffer) break;
    provide(missing_[--missing_count_], *buffer);
  }
  ring_.publish();
}

void ProvidedBuffers::provide(std::uint16_t id, ReadBuffer& buffer) noexcept {
  lent_[id] = &buffer;
  ring_.add(id, buffer.bytes, ReadBuffer::capacity);
}

}  // namespace reactorlab
