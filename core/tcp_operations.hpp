#pragma once
// The leaf operations of a TCP stream. A result lives in the operation, so several tasks may wait on one stream.

#include <cstddef>
#include <span>

#include "core/leaf.hpp"
#include "core/lease.hpp"
#include "core/sys.hpp"

namespace reactorlab {

/// What a stream remembers for its readers: after a read that came back short, a TCP stream is empty, so the next read needn't
/// ask the kernel to be told EAGAIN (epoll(7)); data that comes later brings an edge. Urgent data is the exception, see
/// poller_epoll.cpp. With readers on several threads the memory could be stale, so a second reading task ends it for good.
class DrainMemory {
 public:
  DrainMemory() noexcept = default;
  DrainMemory(DrainMemory&&) noexcept {}
  DrainMemory& operator=(DrainMemory&&) noexcept {
    reset();
    return *this;
  }
  void reset() noexcept {
    reader_.store(nullptr, relaxed);
    drained_.store(false, relaxed);
  }

  /// Asked once per read. Forgets: whoever waits for an edge and is cancelled mustn't keep the next one from looking.
  bool known_empty(const TaskHeader& task) noexcept {
    const TaskHeader* const reader = reader_.load(relaxed);
    if (reader != &task) [[unlikely]] {
      reader_.store(reader == nullptr ? &task : &several_, relaxed);
      return false;
    }
    if (!drained_.load(relaxed)) return false;
    drained_.store(false, relaxed);
    return true;
  }
  void note(std::size_t read, std::size_t asked) noexcept {
    drained_.store(read < asked || mutated(Mutant::readiness_cleared_when_reported), relaxed);
  }

 private:
  static inline const TaskHeader several_{};

  Atomic<const TaskHeader*> reader_{nullptr};
  Atomic<bool> drained_{false};
};

/// Reads into a pooled buffer, which is held only from the moment there are bytes. -> Lease
template <class Stream>
class ReadLeaseOperation : public Leaf<ReadLeaseOperation<Stream>, Stream, Direction::read> {
  using Base = Leaf<ReadLeaseOperation, Stream, Direction::read>;

 public:
  using Base::Base;
  ReadLeaseOperation(ReadLeaseOperation&&) = default;
  ~ReadLeaseOperation() {
    if (buffer_) BufferPool::put(buffer_);
  }
  Lease await_resume() noexcept { return Lease{std::exchange(buffer_, nullptr), result_}; }

  bool known_empty() noexcept { return this->source().known_empty(*this->task()); }
  [[gnu::always_inline]] bool attempt() noexcept {
    std::byte* const buffer = BufferPool::take();
    if (!buffer) [[unlikely]] return settle_now(-ENOMEM);
    const long n = sys::recv(this->source().fd(), buffer, BufferPool::buffer_size);
    if (n <= 0) [[unlikely]] return attempt_slow(buffer, n);
    this->source().note_read(static_cast<std::size_t>(n), BufferPool::buffer_size);
    buffer_ = buffer;
    result_ = n;
    return true;
  }
  void settle(IoResult error) noexcept {
    if (buffer_) BufferPool::put(std::exchange(buffer_, nullptr));
    result_ = error;
  }

 private:
  bool settle_now(IoResult result) noexcept {
    result_ = result;
    return true;
  }
  [[gnu::noinline]] bool attempt_slow(std::byte* buffer, long n) noexcept {
    while (n == -EINTR) n = sys::recv(this->source().fd(), buffer, BufferPool::buffer_size);
    if (n > 0) {
      this->source().note_read(static_cast<std::size_t>(n), BufferPool::buffer_size);
      buffer_ = buffer;
    } else {
      BufferPool::put(buffer);
      if (n == -EAGAIN && !mutated(Mutant::wouldblock_surfaces)) return false;
    }
    return settle_now(n);
  }

  std::byte* buffer_ = nullptr;
  IoResult result_;
};

/// Reads what is there, up to the span's size. -> IoResult: bytes, 0 at the end of the stream, -errno
template <class Stream>
class ReadOperation : public Leaf<ReadOperation<Stream>, Stream, Direction::read> {
  using Base = Leaf<ReadOperation, Stream, Direction::read>;

 public:
  ReadOperation(Stream& stream, std::span<std::byte> into, int flags) noexcept : Base{stream}, into_{into}, flags_{flags} {}
  IoResult await_resume() const noexcept { return result_; }

  bool known_empty() noexcept { return !into_.empty() && this->source().known_empty(*this->task()); }
  bool attempt() noexcept {
    if (into_.empty()) {  // nothing to wait for, and 0 bytes wouldn't mean the end
      result_ = this->source().is_open() ? 0 : -EBADF;
      return true;
    }
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
  using Base = Leaf<WriteAllOperation, Stream, Direction::write>;

 public:
  WriteAllOperation(Stream& stream, std::span<const std::byte> bytes) noexcept
      : Base{stream}, at_{bytes.data()}, rest_{bytes.size()}, size_{bytes.size()} {}
  IoResult await_resume() const noexcept { return result_; }

  bool known_empty() const noexcept { return false; }
  [[gnu::always_inline]] bool attempt() noexcept {
    const long n = sys::send(this->source().fd(), at_, rest_);
    if (n == static_cast<long>(rest_)) [[likely]] {
      result_ = static_cast<long>(size_);
      return true;
    }
    return attempt_slow(n);
  }
  void settle(IoResult error) noexcept { result_ = error; }

 private:
  [[gnu::noinline]] bool attempt_slow(long n) noexcept {
    for (;;) {
      if (n >= 0) {
        at_ += n;
        rest_ -= static_cast<std::size_t>(n);
        if (rest_ == 0) {
          result_ = static_cast<long>(size_);
          return true;
        }
      } else if (n == -EAGAIN) {
        return false;
      } else if (n != -EINTR) {
        result_ = n;
        return true;
      }
      n = sys::send(this->source().fd(), at_, rest_);
    }
  }

  const std::byte* at_;
  std::size_t rest_;
  std::size_t size_;
  IoResult result_;
};

/// Writes all parts, in order, without copying them together. The array is consumed. -> IoResult: the size, or -errno
template <class Stream>
class WriteVectorOperation : public Leaf<WriteVectorOperation<Stream>, Stream, Direction::write> {
  using Base = Leaf<WriteVectorOperation, Stream, Direction::write>;

 public:
  WriteVectorOperation(Stream& stream, std::span<iovec> parts) noexcept : Base{stream}, parts_{parts} {}
  IoResult await_resume() const noexcept { return result_; }

  bool known_empty() const noexcept { return false; }
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

/// Takes one connection from the queue. -> the descriptor as IoResult; the listener makes a stream of it
template <class Listener>
class AcceptOperation : public Leaf<AcceptOperation<Listener>, Listener, Direction::read> {
  using Base = Leaf<AcceptOperation, Listener, Direction::read>;

 public:
  explicit AcceptOperation(Listener& listener) noexcept : Base{listener}, listener_{listener} {}
  AcceptOperation(AcceptOperation&&) = default;
  ~AcceptOperation() {
    if (accepted_) sys::close(static_cast<int>(accepted_.value()));  // nobody took it
  }
  auto await_resume() { return listener_.adopt(std::exchange(accepted_, IoResult{-ECANCELED})); }

  bool known_empty() const noexcept { return false; }
  bool attempt() noexcept {
    for (;;) {
      const long fd = sys::accept(this->source().fd());
      if (fd == -EAGAIN && !mutated(Mutant::wouldblock_surfaces)) return false;
      // One connection's own bad luck mustn't end the listener (accept(2) asks to treat these like EAGAIN).
      if (fd == -EINTR || fd == -ECONNABORTED || fd == -EPROTO) continue;
      accepted_ = fd;
      return true;
    }
  }
  void settle(IoResult error) noexcept { accepted_ = error; }

 private:
  Listener& listener_;
  IoResult accepted_{-ECANCELED};
};

}  // namespace reactorlab
