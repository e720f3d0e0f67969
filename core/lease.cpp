#include "core/lease.hpp"

#include <new>

#include "core/immortal.hpp"
#include "core/sync.hpp"
#include "core/thread_exit.hpp"

namespace reactorlab {
namespace {

/// Buffers that no thread keeps.
class Common {
 public:
  /// False: there are enough of them.
  bool put(ReadBuffer* buffer) noexcept {
    LockGuard lock{mutex_};
    const std::size_t count = count_.load(relaxed);
    if (count == most) return false;
    buffer->next = std::exchange(head_, buffer);
    count_.store(count + 1, relaxed);
    return true;
  }
  /// How many of `count` it had.
  std::size_t take(ReadBuffer** into, std::size_t count) noexcept {
    if (count_.load(relaxed) == 0) return 0;
    LockGuard lock{mutex_};
    std::size_t taken = 0;
    for (; taken != count && head_; ++taken) into[taken] = std::exchange(head_, head_->next);
    count_.store(count_.load(relaxed) - taken, relaxed);
    return taken;
  }

 private:
  static constexpr std::size_t most = 128;

  PlainMutex mutex_;
  ReadBuffer* head_ = nullptr;    // guarded by mutex_
  Atomic<std::size_t> count_{0};  // written under mutex_
};

Common& common() noexcept {
  static constinit Immortal<Common> instance;
  return instance.get();
}

}  // namespace

ReadBuffer* BufferPool::take_slow() noexcept {
  if (ReadBuffer* const used = take_used()) return used;
  return static_cast<ReadBuffer*>(::operator new(sizeof(ReadBuffer), std::nothrow));
}

void BufferPool::fetch_used() noexcept {
  if (sanitized) return;
  begin_keeping();
  count_ = common().take(kept_, moved_at_once);
}

void BufferPool::put_slow(ReadBuffer* buffer) noexcept {
  if (sanitized) return ::operator delete(buffer);
  begin_keeping();
  while (count_ > keep_at_most - moved_at_once && common().put(kept_[count_ - 1])) --count_;
  if (count_ == keep_at_most) return ::operator delete(buffer);
  put(buffer);
}

void BufferPool::begin_keeping() noexcept {
  if (limit_ != 0) return;
  at_thread_exit<flush>();
  limit_ = keep_at_most;
}

void BufferPool::flush() noexcept {
  while (count_ > 0) ::operator delete(kept_[--count_]);
}

}  // namespace reactorlab
