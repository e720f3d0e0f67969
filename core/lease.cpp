#include "core/lease.hpp"

#include <new>

#include "core/thread_exit.hpp"

namespace reactorlab {

std::byte* BufferPool::take_slow() noexcept {
  at_thread_exit<flush>();
  return static_cast<std::byte*>(::operator new(buffer_size, std::nothrow));
}

void BufferPool::trim() noexcept {
  while (count_ > keep_at_most / 2) {
    Buffer* const buffer = std::exchange(free_, free_->next);
    --count_;
    ::operator delete(buffer);
  }
}

void BufferPool::flush() noexcept {
  while (free_) ::operator delete(std::exchange(free_, free_->next));
  count_ = 0;
}

}  // namespace reactorlab
