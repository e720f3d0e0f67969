#include "core/lease.hpp"

#include <new>

#include "core/thread_exit.hpp"

namespace reactorlab {

ReadBuffer* BufferPool::take_slow() noexcept {
  at_thread_exit<flush>();
  return static_cast<ReadBuffer*>(::operator new(sizeof(ReadBuffer), std::nothrow));
}

void BufferPool::flush() noexcept {
  while (count_ > 0) ::operator delete(kept_[--count_]);
}

}  // namespace reactorlab
