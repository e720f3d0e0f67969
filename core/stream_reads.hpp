#pragma once
// What reads from a stream socket. A result lives in the operation, so several tasks may wait on one stream.

#include <cassert>
#include <cstddef>
#include <span>

#include "core/leaf.hpp"
#include "core/lease.hpp"
#include "core/sys.hpp"

namespace reactorlab {

/// Reads into a pooled buffer, which is held only from the moment there are bytes. -> Lease
/// It is its own request: an idle connection's frame holds it.
template <class Stream>
class ReadLeaseOperation : public Leaf<ReadLeaseOperation<Stream>, Stream, Direction::read> {
  using Base = Leaf<ReadLeaseOperation, Stream, Direction::read>;

 public:
  using OperationType = ReadLeaseOperation;

  [[gnu::always_inline]] explicit ReadLeaseOperation(Stream& stream) noexcept : Base{stream} { this->keep(0); }
  /// Of one that hasn't been awaited yet.
  ReadLeaseOperation(const ReadLeaseOperation& request) noexcept : ReadLeaseOperation{request.source()} {
    assert(!request.begun());
  }
  [[gnu::always_inline]] ~ReadLeaseOperation() {
    if (this->finished()) [[likely]]
      (void)take();  // read, but nobody came for it
  }
  ReadLeaseOperation start(TaskHeader& task) const noexcept { return ReadLeaseOperation{task, this->source()}; }

  [[gnu::always_inline]] bool await_ready() noexcept { return this->begun() && Base::await_ready(); }
  template <TaskPromise Promise>
  [[gnu::always_inline]] bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
    if (this->begun()) return Base::await_suspend(frame);
    TaskHeader& task = *frame.promise().task();
    Stream& stream = this->source();
    if (!stream.known_empty(task)) [[unlikely]]
      return attempt_first(frame);
    this->begin(task, false);
    return this->wait(frame, stream, task);
  }
  [[gnu::always_inline]] Lease await_resume() noexcept {
    this->resumed();
    return take();
  }

  /// > 0: finished. Else finish_attempt() has the last word.
  [[gnu::always_inline]] long begin_attempt() noexcept {
    if (Completions* const ring = this->source().completions()) [[unlikely]]
      return begin_completed(*ring);
    ReadBuffer* const buffer = BufferPool::next_kept();
    if (!buffer) [[unlikely]]
      return -EINTR;
    const long n = sys::recv(this->source().fd(), buffer->bytes, ReadBuffer::capacity);
    if (n > 0) [[likely]] {
      BufferPool::take_kept();
      succeed(*buffer, n);
    }
    return n;
  }
  [[gnu::noinline]] bool finish_attempt(long n) noexcept {
    while (n == -EINTR) {
      if (Completions* const ring = this->source().completions()) [[unlikely]] {
        if ((n = begin_completed(*ring)) > 0) return true;
        continue;
      }
      ReadBuffer* const buffer = BufferPool::take();
      if (!buffer) {
        n = -ENOMEM;
        break;
      }
      n = sys::recv(this->source().fd(), buffer->bytes, ReadBuffer::capacity);
      if (n > 0) {
        succeed(*buffer, n);
        return true;
      }
      BufferPool::put(buffer);
    }
    if (n == -EAGAIN && !mutated(Mutant::wouldblock_surfaces)) return false;
    this->keep(n);
    return true;
  }
  bool attempt() noexcept {
    const long n = begin_attempt();
    return n > 0 || finish_attempt(n);
  }
  void settle(IoResult error) noexcept { this->keep(error.value()); }

 private:
  ReadLeaseOperation(TaskHeader& task, Stream& stream) noexcept : Base{task, stream} {
    this->begin(!stream.known_empty(task) && attempt());
  }

  template <TaskPromise Promise>
  [[gnu::noinline]] bool attempt_first(std::coroutine_handle<Promise> frame) noexcept {
    TaskHeader& task = *frame.promise().task();
    this->begin(task, attempt());
    return !this->ready(task) && Base::await_suspend(frame);
  }
  [[gnu::noinline]] long begin_completed(Completions& ring) noexcept {
    ReadBuffer* buffer;
    const long n = ring.receive(this->source().slot(), buffer);
    if (n > 0) this->keep(reinterpret_cast<std::intptr_t>(buffer));
    return n;
  }
  [[gnu::always_inline]] void succeed(ReadBuffer& buffer, long n) noexcept {
    this->source().note_read(static_cast<std::size_t>(n), ReadBuffer::capacity);
    buffer.size = static_cast<std::uint32_t>(n);
    this->keep(reinterpret_cast<std::intptr_t>(&buffer));
  }
  [[gnu::always_inline]] Lease take() noexcept {
    const std::intptr_t word = this->kept();
    this->keep(0);
    return Lease::of_word(word);
  }
};

/// Reads what is there, up to the span's size. -> IoResult: bytes, 0 at the end of the stream, -errno
template <class Stream>
class ReadOperation : public Leaf<ReadOperation<Stream>, Stream, Direction::read> {
 public:
  ReadOperation(TaskHeader& task, Stream* stream, std::span<std::byte> into, int flags) noexcept
      : Leaf<ReadOperation, Stream, Direction::read>{task, *stream}, into_{into}, flags_{flags} {
    if (into.empty()) {  // nothing to wait for, and 0 bytes wouldn't mean the end
      settle(stream->is_open() ? 0 : -EBADF);
      this->begin(!mutated(Mutant::empty_read_waits));
    } else {
      this->begin(!stream->known_empty(task) && attempt());
    }
  }
  IoResult await_resume() const noexcept {
    this->resumed();
    return result_;
  }

  bool attempt() noexcept {
    Completions* const ring = this->source().completions();
    long n;
    do
      n = ring ? ring->receive(this->source().slot(), into_, flags_)
               : sys::recv(this->source().fd(), into_.data(), into_.size(), flags_);
    while (n == -EINTR);
    if (n == -EAGAIN && !mutated(Mutant::wouldblock_surfaces)) return false;
    const bool taken = !ring && (!(flags_ & MSG_PEEK) || mutated(Mutant::peek_counts_as_read));
    if (n > 0 && taken) this->source().note_read(static_cast<std::size_t>(n), into_.size());
    if (n == 0 && mutated(Mutant::end_closes_both_directions)) sys::shutdown(this->source().fd(), SHUT_RDWR);
    if (n == -ECONNRESET && mutated(Mutant::reset_taken_for_end)) n = 0;
    if (n > 0 && mutated(Mutant::hangup_ends_reading) && has_ended()) n = 0;
    result_ = n;
    return true;
  }
  void settle(IoResult error) noexcept { result_ = error; }

 private:
  bool has_ended() const noexcept { return this->source().slot().word(Direction::read).load(acquire) & readiness::sticky; }

  std::span<std::byte> into_;
  int flags_;
  IoResult result_;
};

}  // namespace reactorlab
