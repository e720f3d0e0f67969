#pragma once
// What writes to a stream socket.

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <span>

#include "core/frame_pool.hpp"
#include "core/leaf.hpp"
#include "core/sys.hpp"

namespace reactorlab {

/// Writes everything. -> IoResult: the size, or -errno (then an unknown part has been sent)
template <class Stream>
class WriteAllOperation : public Leaf<WriteAllOperation<Stream>, Stream, Direction::write> {
 public:
  WriteAllOperation(TaskHeader& task, Stream* stream, std::span<const std::byte> bytes) noexcept
      : WriteAllOperation{task, stream, bytes, stream->send_now(task, bytes)} {}
  /// `n`: what the first send() said.
  WriteAllOperation(TaskHeader& task, Stream* stream, std::span<const std::byte> bytes, long n) noexcept
      : Leaf<WriteAllOperation, Stream, Direction::write>{task, *stream},
        rest_{bytes.data()},
        rest_size_{bytes.size()},
        size_{bytes.size()} {
    this->begin(go_on(n));
  }
  IoResult await_resume() const noexcept {
    this->resumed();
    return static_cast<long>(this->kept());
  }

  bool attempt() noexcept { return go_on(send_rest()); }
  void settle(IoResult error) noexcept { this->keep(error.value()); }

 private:
  bool go_on(long n) noexcept {
    for (;;) {
      if (n >= 0) {
        rest_ += n;
        rest_size_ -= static_cast<std::size_t>(n);
        if (rest_size_ == 0 || mutated(Mutant::rest_of_short_write_dropped)) {
          this->keep(static_cast<long>(size_));
          return true;
        }
      } else if (n == -EAGAIN) {
        return false;
      } else if (n != -EINTR) {
        this->keep(n);
        return true;
      }
      n = send_rest();
    }
  }
  long send_rest() noexcept { return this->source().send_now(this->task(), {rest_, rest_size_}); }

  const std::byte* rest_;
  std::size_t rest_size_;
  std::size_t size_;
};

/// What write_all() returns. Nearly every write is done at once, so the operation of one that isn't lies in a pooled block and
/// only its address in the awaiting frame, which an idle connection keeps.
template <class Stream>
class [[nodiscard("co_await it")]] WriteAllRequest {
 public:
  using OperationType = WriteAllOperation<Stream>;

  WriteAllRequest(Stream* stream, std::span<const std::byte> bytes) noexcept
      : stream_{stream}, data_{bytes.data()}, result_{static_cast<long>(bytes.size())} {}
  WriteAllRequest(const WriteAllRequest& other) noexcept : WriteAllRequest{other.stream_, other.bytes()} { assert(other.stream_); }
  WriteAllRequest& operator=(const WriteAllRequest&) = delete;
  [[gnu::always_inline]] ~WriteAllRequest() {
    if (pending_ && !stream_) [[unlikely]]
      drop(pending_);
  }
  OperationType start(TaskHeader& task) const noexcept { return OperationType{task, stream_, bytes()}; }

  bool await_ready() const noexcept { return false; }
  template <TaskPromise Promise>
  [[gnu::always_inline]] bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
    TaskHeader& task = *frame.promise().task();
    Stream* const stream = std::exchange(stream_, nullptr);
    const std::span<const std::byte> all = bytes();
    pending_ = nullptr;
    const long n = stream->send_now(task, all);
    if (n == result_ && OperationType::may_go_on(task)) [[likely]]
      return false;
    return suspend(frame, *stream, all, n);
  }
  [[gnu::always_inline]] IoResult await_resume() noexcept {
    if (pending_) [[unlikely]]
      return result_of(std::exchange(pending_, nullptr));
    return result_;
  }

 private:
  std::span<const std::byte> bytes() const noexcept { return {data_, static_cast<std::size_t>(result_)}; }

  template <TaskPromise Promise>
  [[gnu::noinline]] bool suspend(std::coroutine_handle<Promise> frame, Stream& stream, std::span<const std::byte> all,
                                 long n) noexcept {
    void* const memory = FramePool::try_allocate(sizeof(OperationType));
    if (!memory) {
      result_ = -ENOMEM;
      return false;
    }
    pending_ = new (memory) OperationType{*frame.promise().task(), &stream, all, n};
    const bool may_not_go_on = n == result_;  // or it wouldn't be here
    if (!may_not_go_on && pending_->await_ready()) return false;
    return pending_->await_suspend(frame);
  }
  [[gnu::noinline, gnu::cold]] static IoResult result_of(OperationType* pending) noexcept {
    const IoResult result = pending->await_resume();
    drop(pending);
    return result;
  }
  [[gnu::noinline, gnu::cold]] static void drop(OperationType* pending) noexcept {
    std::destroy_at(pending);
    FramePool::deallocate(pending, sizeof(OperationType));
  }

  Stream* stream_;  // nullptr once awaited
  union {
    const std::byte* data_;
    OperationType* pending_;  // nullptr: was done at once
  };
  long result_;  // until then the size
};

/// Writes all parts, in order, without copying them together. The array is consumed. -> IoResult: the size, or -errno
template <class Stream>
class WriteVectorOperation : public Leaf<WriteVectorOperation<Stream>, Stream, Direction::write> {
 public:
  WriteVectorOperation(TaskHeader& task, Stream* stream, std::span<iovec> parts) noexcept
      : Leaf<WriteVectorOperation, Stream, Direction::write>{task, *stream}, parts_{parts} {
    this->begin(attempt());
  }
  IoResult await_resume() const noexcept {
    this->resumed();
    return result_;
  }

  bool attempt() noexcept {
    for (;;) {
      while (!parts_.empty() && parts_.front().iov_len == 0) parts_ = parts_.subspan(1);
      if (parts_.empty()) {
        result_ = static_cast<long>(sent_);
        return true;
      }
      constexpr std::size_t most_parts = 64;  // far below IOV_MAX
      const long n = this->source().send_vector_now(parts_.first(std::min(parts_.size(), most_parts)));
      if (n == -EINTR) continue;
      if (n == -EAGAIN) return false;
      if (n < 0) {
        result_ = n;
        return true;
      }
      consume(static_cast<std::size_t>(n));
    }
  }
  void settle(IoResult error) noexcept { result_ = error; }

 private:
  void consume(std::size_t n) noexcept {
    sent_ += n;
    while (n != 0) {
      iovec& part = parts_.front();
      const std::size_t step = std::min(n, part.iov_len);
      part.iov_base = static_cast<std::byte*>(part.iov_base) + step;
      part.iov_len -= step;
      n -= step;
      if (part.iov_len == 0) parts_ = parts_.subspan(1);
    }
  }

  std::span<iovec> parts_;
  std::size_t sent_ = 0;
  IoResult result_;
};

}  // namespace reactorlab
