#include "core/lease.hpp"

#include <new>

#include "core/thread_exit.hpp"

namespace reactorlab {

ReadBuffer* BufferPool::take_slow() noexcept {
  return static_cast<ReadBuffer*>(::operator new(sizeof(ReadBuffer), std::nothrow));
}

void BufferPool::put_slow(ReadBuffer* buffer) noexcept {
  if (sanitized || limit_ != 0) return ::operator delete(buffer);
  at_thread_exit<flush>();
  limit_ = keep_at_most;
  put(buffer);
}

void BufferPool::flush() noexcept {
  while (count_ > 0) ::operator delete(kept_[--count_]);
}

}  // namespace reactorlab
