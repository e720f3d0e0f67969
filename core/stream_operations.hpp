#pragma once
// The leaf operations of a stream socket. A result lives in the operation, so several tasks may wait on one stream.

#include <algorithm>
#include <cstddef>
#include <span>

#include "core/leaf.hpp"
#include "core/lease.hpp"
#include "core/sys.hpp"

namespace reactorlab {

/// Reads into a pooled buffer, which is held only from the moment there are bytes. -> Lease
template <class Stream>
class ReadLeaseOperation : public Leaf<ReadLeaseOperation<Stream>, Stream, Direction::read> {
 public:
  [[gnu::always_inline]] ReadLeaseOperation(TaskHeader& task, Stream* stream) noexcept
      : Leaf<ReadLeaseOperation, Stream, Direction::read>{task, *stream} {
    this->begin(!stream->known_empty(task) && attempt());
  }
  [[gnu::always_inline]] ~ReadLeaseOperation() {
    if (buffer_) [[unlikely]] BufferPool::put(buffer_);  // read, but nobody came for it
  }
  [[gnu::always_inline]] Lease await_resume() noexcept {
    this->resumed();
    return Lease{std::exchange(buffer_, nullptr), result_};
  }

  [[gnu::always_inline]] bool attempt() noexcept {
    std::byte* const buffer = BufferPool::take();
    if (!buffer) [[unlikely]] return attempt_slow(nullptr, -ENOMEM);
    const long n = sys::recv(this->source().fd(), buffer, BufferPool::buffer_size);
    if (n <= 0) [[unlikely]] return attempt_slow(buffer, n);
    this->source().note_read(static_cast<std::size_t>(n), BufferPool::buffer_size);
    buffer_ = buffer;
    result_ = n;
    return true;
  }
  void settle(IoResult error) noexcept { result_ = error.value(); }

 private:
  [[gnu::noinline]] bool attempt_slow(std::byte* buffer, long n) noexcept {
    while (n == -EINTR) n = sys::recv(this->source().fd(), buffer, BufferPool::buffer_size);
    if (n > 0) {
      this->source().note_read(static_cast<std::size_t>(n), BufferPool::buffer_size);
      buffer_ = buffer;
    } else {
      if (buffer) BufferPool::put(buffer);
      if (n == -EAGAIN && !mutated(Mutant::wouldblock_surfaces)) return false;
    }
    result_ = n;
    return true;
  }

  std::byte* buffer_ = nullptr;
  long result_;
};

/// Reads what is there, up to the span's size. -> IoResult: bytes, 0 at the end of the stream, -errno
template <class Stream>
class ReadOperation : public Leaf<ReadOperation<Stream>, Stream, Direction::read> {
 public:
  ReadOperation(TaskHeader& task, Stream* stream, std::span<std::byte> into, int flags) noexcept
      : Leaf<ReadOperation, Stream, Direction::read>{task, *stream}, into_{into}, flags_{flags} {
    if (into.empty()) {  // nothing to wait for, and 0 bytes wouldn't mean the end
      settle(stream->is_open() ? 0 : -EBADF);
      this->begin(true);
    } else {
      this->begin(!stream->known_empty(task) && attempt());
    }
  }
  IoResult await_resume() const noexcept {
    this->resumed();
    return result_;
  }

  bool attempt() noexcept {
    long n;
    do n = sys::recv(this->source().fd(), into_.data(), into_.size(), flags_);
    while (n == -EINTR);
    if (n == -EAGAIN && !mutated(Mutant::wouldblock_surfaces)) return false;
    if (n > 0 && !(flags_ & MSG_PEEK)) this->source().note_read(static_cast<std::size_t>(n), into_.size());
    result_ = n;
    return true;
  }
  void settle(IoResult error) noexcept { result_ = error; }

 private:
  std::span<std::byte> into_;
  int flags_;
  IoResult result_;
};

/// Writes everything. -> IoResult: the size, or -errno (then an unknown part has been sent)
template <class Stream>
class WriteAllOperation : public Leaf<WriteAllOperation<Stream>, Stream, Direction::write> {
 public:
  // The usual case, all of it at once, needs none of the fields below.
  [[gnu::always_inline]] WriteAllOperation(TaskHeader& task, Stream* stream, std::span<const std::byte> bytes) noexcept
      : Leaf<WriteAllOperation, Stream, Direction::write>{task, *stream} {
    const long n = sys::send(stream->fd(), bytes.data(), bytes.size());
    if (n == static_cast<long>(bytes.size())) [[likely]] {
      result_ = n;
      this->begin(true);
    } else {
      begin_slowly(bytes.data(), bytes.size(), n);
    }
  }
  IoResult await_resume() const noexcept {
    this->resumed();
    return result_;
  }

  bool attempt() noexcept { return go_on(sys::send(this->source().fd(), rest_, rest_size_)); }
  void settle(IoResult error) noexcept { result_ = error.value(); }

 private:
  [[gnu::noinline]] void begin_slowly(const std::byte* bytes, std::size_t size, long n) noexcept {
    rest_ = bytes;
    rest_size_ = size_ = size;
    this->begin(go_on(n));
  }
  bool go_on(long n) noexcept {
    for (;;) {
      if (n >= 0) {
        rest_ += n;
        rest_size_ -= static_cast<std::size_t>(n);
        if (rest_size_ == 0) {
          result_ = static_cast<long>(size_);
          return true;
        }
      } else if (n == -EAGAIN) {
        return false;
      } else if (n != -EINTR) {
        result_ = n;
        return true;
      }
      n = sys::send(this->source().fd(), rest_, rest_size_);
    }
  }

  long result_;
  const std::byte* rest_;
  std::size_t rest_size_;
  std::size_t size_;
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
      const long n = sys::send_vector(this->source().fd(), parts_.data(), std::min(parts_.size(), most_parts));
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
