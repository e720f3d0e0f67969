#pragma once
// Completion by io_uring of what streams and listeners do. Completion becomes readiness at the source: every request belongs to a
// source, never to a task, and no request holds an address inside a coroutine frame. An operation's attempt looks at its source's
// state here where it would make a system call elsewhere, and what it doesn't find is requested; a completion changes that state,
// and is an edge to whoever parked meanwhile. So a task that is cancelled takes nothing with it: bytes that arrive later are the
// next reader's.
//
//   receive   nothing requested -> requested (multishot, into provided buffers) -> ended (credit used, no buffer, cancelled), which
//             is nothing requested. While nothing is, an attempt asks the kernel itself, and requests what comes next when it got
//             less than it had room for: no end is ever deaf.
//   accept    likewise; connections wait here as descriptors.
//   send      idle -> under way, from a copy of the bytes -> done, until the writer has taken the result -> idle. One at a time:
//             the bytes of two would mix. What is too long for a copy is sent at once, and waits for room by a poll.
//
// A request that finds the ring full marks its source, and an edge brings about another attempt (take_refused).

#include <cstdint>
#include <span>

#include "core/descriptor_table.hpp"
#include "core/provided_buffers.hpp"
#include "core/ring_port.hpp"
#include "core/ring_request.hpp"
#include "core/task_header.hpp"

namespace reactorlab {

class Completions {
 public:
  /// Throws std::system_error, std::bad_alloc.
  Completions(RingPort& port, Slab& slab, unsigned buffers);
  /// Nothing is in flight any more: cancel_all() was called, and every completion has been seen.
  ~Completions();
  Completions(const Completions&) = delete;
  Completions& operator=(const Completions&) = delete;

  // --- attempts: any thread, where the ring is any thread's; elsewhere others get -EAGAIN ---------------------------------------
  // A result as the system call's, which is what a script sees; -EAGAIN: an edge tells when it is there.

  /// > 0: `into` is the caller's.
  long receive(Registration& slot, ReadBuffer*& into) noexcept;
  /// `flags`: MSG_PEEK or 0.
  long receive(Registration& slot, std::span<std::byte> into, int flags) noexcept;
  long accept(Registration& slot) noexcept;
  /// The result of a send that is under way is `task`'s.
  long send(Registration& slot, const TaskHeader& task, std::span<const std::byte> bytes) noexcept;
  long send_vector(Registration& slot, std::span<const iovec> parts) noexcept;
  /// Nobody takes the result of what that task sends.
  void abandon_send(Registration& slot, const TaskHeader& task) noexcept;
  /// An edge tells when there is room, or when a connect that is under way has been decided.
  void await_writable(Registration& slot) noexcept;

  // --- the poller: REQUIRES port.lock() -----------------------------------------------------------------------------------------

  /// False: no memory.
  bool open(int fd, Token token) noexcept;
  /// Its requests are being cancelled, and what they bring still is released: queued only, for the port to submit. True if there
  /// are any.
  bool close(int fd) noexcept;
  /// The mask of the event that a completion is to its source, and which that is; 0: none.
  std::uint32_t complete(const io_uring_cqe& completion, Token& token) noexcept;
  /// After a batch of them.
  void replenish() noexcept;
  /// A source of which a request found the ring full: its operations are to attempt again. The first from `fd` on, which becomes
  /// the one behind it; no_token: there is none.
  Token take_refused(int& fd) noexcept;

  /// Requests whose last completion hasn't been seen.
  std::size_t in_flight() const noexcept { return in_flight_; }
  void cancel_all() noexcept;

 private:
  struct SendBlock;
  struct Accepted {
    Accepted* next;
    int fd;
  };
  /// A source's state.
  struct Endpoint {
    Token token;  ///< no_token: not open
    union {
      ReadBuffer* first;     ///< a stream's bytes, in order
      Accepted* connection;  ///< a listener's connections, in order
    };
    union {
      ReadBuffer* last;
      Accepted* last_connection;
    };
    SendBlock* sending;        ///< under way
    std::uint32_t writer;      ///< whose result that will be, or `sent` is: a task's offset; 0: nobody's
    std::int32_t sent;         ///< the result, once nothing is under way any more
    std::int32_t failed;       ///< an error that ended receiving; nobody has been told yet
    std::uint16_t waiting;     ///< connections
    bool contended : 1;        ///< it has several writers: one that found a send under way may be about to park
    bool receiving : 1;        ///< requested
    bool cancelling : 1;       ///< and being cancelled
    bool awaits_writable : 1;  ///< requested
    bool newcomer : 1;         ///< accepted here, and never read: its first bytes are requested without a call that asks for them
    bool refused : 1;          ///< a request found the ring full
  };

  static constexpr std::size_t most_copied = 960;
  static constexpr unsigned credit = 64 * 1024;     ///< bytes of one request
  static constexpr unsigned most_connections = 64;  ///< that wait here

  Endpoint* endpoint_of(Token token) noexcept;
  /// It isn't this thread's ring; or, where a script watches, what the source brings is requested and nothing of it is here, which
  /// is no call at all, to the script either.
  bool must_wait(const Registration& slot) noexcept;
  Endpoint* endpoint_of(const Registration& slot) noexcept { return endpoint_of(slab_.token_of(slot)); }
  io_uring_sqe* request(Endpoint& endpoint, int fd, std::uint64_t name, RingRequest kind, std::uint8_t opcode) noexcept;
  void request_receive(Endpoint& endpoint, int fd) noexcept;
  void request_accept(Endpoint& endpoint, int fd) noexcept;
  void request_writable(Endpoint& endpoint, int fd) noexcept;
  void tell_other_writers(Endpoint& endpoint) noexcept;
  static long copy_out(Endpoint& endpoint, std::byte* into, std::size_t size, bool peek) noexcept;
  static void append(Endpoint& endpoint, ReadBuffer& buffer) noexcept;
  static void drop_received(Endpoint& endpoint) noexcept;
  static void drop_connections(Endpoint& endpoint) noexcept;
  std::uint32_t received(Endpoint* endpoint, const io_uring_cqe& completion) noexcept;
  std::uint32_t accepted(Endpoint* endpoint, const io_uring_cqe& completion) noexcept;
  static std::uint32_t failed(Endpoint& endpoint, int result) noexcept;
  std::uint32_t sent(const io_uring_cqe& completion, Token& token) noexcept;

  RingPort& port_;
  Slab& slab_;
  ProvidedBuffers buffers_;
  DescriptorTable<Endpoint> endpoints_;
  std::size_t in_flight_ = 0;
  bool limits_credit_ = true;  ///< this kernel can
  bool ending_ = false;        ///< nothing is requested again
  int newcomer_ = -1;          ///< accepted last; not open yet
};

}  // namespace reactorlab
