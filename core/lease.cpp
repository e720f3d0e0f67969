#include "core/lease.hpp"

#include <new>

#include "core/thread_exit.hpp"

namespace reactorlab {

std::byte* BufferPool::take_slow() noexcept {
  at_thread_exit<flush>();
  return static_cast<std::byte*>(::operator new(buffer_size, std::nothrow));
}

void BufferPool::flush() noexcept {
  while (count_ > 0) ::operator delete(kept_[--count_]);
}

}  // namespace reactorlab
