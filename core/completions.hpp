#pragma once
// Completion by io_uring of what streams, listeners and UDP sockets do. Completion becomes readiness at the source: every request
// belongs to a source, never to a task, and no request holds an address inside a coroutine frame. An operation's attempt looks at
// its source's state here where it would make a system call elsewhere, and what it doesn't find is requested; a completion changes
// that state, and is an edge to whoever parked meanwhile. So a task that is cancelled takes nothing with it: bytes that arrive
// later are the next reader's.
//
//   receive   nothing requested -> requested (multishot, into provided buffers) -> ended (credit used, no buffer, cancelled), which
//             is nothing requested. While nothing is, an attempt asks the kernel itself, and requests what comes next when it got
//             less than it had room for: no end is ever deaf.
//   accept    likewise; connections wait here as descriptors.
//   datagram  likewise, into buffers that are given back at once: what waits here are copies.
//   send      idle -> under way, from a copy of the bytes -> done, until the writer has taken the result -> idle. One at a time:
//             the bytes of two would mix. What is too long for a copy is sent at once, and waits for room by a poll.
//
// A request that finds the ring full marks its source, and an edge brings about another attempt (take_refused).

#include <sys/socket.h>

#include <cstdint>
#include <span>

#include "core/datagram_buffers.hpp"
#include "core/descriptor_table.hpp"
#include "core/one_word_queue.hpp"
#include "core/provided_buffers.hpp"
#include "core/ring_port.hpp"
#include "core/ring_request.hpp"
#include "core/spare_blocks.hpp"
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
  /// As recvfrom(2) with MSG_TRUNC: a datagram's size, whatever of it fits. `name`: room for its sender's address, or nullptr.
  long receive_from(Registration& slot, std::span<std::byte> into, sockaddr* name, socklen_t* name_size) noexcept;
  /// The result of a send that is under way is `task`'s. `name`: a datagram's receiver, if the socket isn't connected.
  long send(Registration& slot, const TaskHeader& task, std::span<const std::byte> bytes,
            std::span<const std::byte> name = {}) noexcept;
  long send_vector(Registration& slot, std::span<const iovec> parts) noexcept;
  /// Nobody takes the result of what that task sends.
  void abandon_send(Registration& slot, const TaskHeader& task) noexcept;
  /// An edge tells when there is room, or when a connect that is under way has been decided.
  void await_writable(Registration& slot) noexcept;

  // --- the poller: REQUIRES port.lock() -----------------------------------------------------------------------------------------

  /// False: no memory. `file` tells a descriptor from a later one of the same number, whose owner closed the first without a word.
  bool open(int fd, Token token, std::uint32_t file) noexcept;
  /// The open source of that number; no_token: there is none.
  Token source_at(int fd) noexcept;
  /// REQUIRES that there is one.
  std::uint32_t file_at(int fd) noexcept { return endpoints_.find(fd)->file; }
  /// Its requests, for their end to be submitted. What they bring still is released.
  RequestsOfSource close(int fd) noexcept;
  /// The mask of the event that a completion is to its source, and which that is; 0: none.
  std::uint32_t complete(const io_uring_cqe& completion, Token& token) noexcept;
  /// After a batch of them.
  void replenish() noexcept { buffers_.replenish(ProvidedBuffers::Refill::half); }
  /// Before the next one, when tasks have given back what the last one lent.
  void replenish_most() noexcept { buffers_.replenish(ProvidedBuffers::Refill::most); }
  bool lacks_buffers() const noexcept { return !buffers_.complete(); }
  /// A source of which a request found the ring full: its operations are to attempt again. The first from `fd` on, which becomes
  /// the one behind it; no_token: there is none.
  Token take_refused(int& fd) noexcept;

  /// Requests whose last completion hasn't been seen.
  std::size_t in_flight() const noexcept { return in_flight_; }
  void cancel_all() noexcept;

 private:
  struct SendBlock;
  struct Datagram;
  struct Accepted {
    Accepted* next;
    int fd;
  };
  /// A source's state, of which there are as many as connections.
  struct Endpoint {
    Token token;  ///< no_token: not open
    union {
      OneWordQueue<ReadBuffer> received;   ///< a stream's bytes
      OneWordQueue<Accepted> connections;  ///< a listener's
      OneWordQueue<Datagram> datagrams;    ///< a UDP socket's
    };
    union {
      SendBlock* block;   ///< while sending
      std::int64_t sent;  ///< the result, then
    };
    std::uint32_t file;        ///< open()
    std::uint32_t writer;      ///< whose result that is: a task's offset; 0: nobody's
    std::int16_t failed;       ///< an error that ended receiving; nobody has been told yet
    std::uint8_t waiting;      ///< connections: that many, or more; datagrams: what they weigh, or less
    bool sending : 1;          ///< a send is under way
    bool contended : 1;        ///< it has several writers: one that found a send under way may be about to park
    bool receiving : 1;        ///< requested
    bool cancelling : 1;       ///< and being cancelled
    bool awaits_writable : 1;  ///< requested
    bool newcomer : 1;         ///< accepted here, and never read: its first bytes are requested without a call that asks for them
    bool refused : 1;          ///< a request found the ring full
  };
  static_assert(sizeof(Endpoint) == 40);

  static constexpr std::size_t most_copied = 960;
  static constexpr unsigned credit = 64 * 1024;     ///< bytes of one request
  static constexpr unsigned most_connections = 64;  ///< that wait here
  static constexpr unsigned most_datagrams = 128;   ///< likewise, by their weight

  Endpoint* endpoint_of(Token token) noexcept;
  /// It isn't this thread's ring; or, where a script watches, what the source brings is requested and nothing of it is here, which
  /// is no call at all, to the script either.
  bool must_wait(const Registration& slot) noexcept;
  Endpoint* endpoint_of(const Registration& slot) noexcept { return endpoint_of(slab_.token_of(slot)); }
  io_uring_sqe* request(Endpoint& endpoint, int fd, std::uint64_t name, RingRequest kind, std::uint8_t opcode) noexcept;
  /// nullptr: no memory. Any thread makes one, and whoever sees its completion frees it.
  SendBlock* make_block(Token token, std::span<const std::byte> bytes, std::span<const std::byte> name) noexcept;
  void free_block(SendBlock* block) noexcept;
  Datagram* make_datagram(const DatagramBuffers::View& view) noexcept;
  void free_datagram(Datagram* datagram) noexcept;
  Datagram& pop_datagram(Endpoint& endpoint) noexcept;
  void drop_datagrams(Endpoint& endpoint) noexcept;
  void request_receive(Endpoint& endpoint, int fd) noexcept;
  void request_accept(Endpoint& endpoint, int fd) noexcept;
  void request_datagrams(Endpoint& endpoint, int fd) noexcept;
  void request_writable(Endpoint& endpoint, int fd) noexcept;
  void tell_other_writers(Endpoint& endpoint) noexcept;
  static long copy_out(Endpoint& endpoint, std::byte* into, std::size_t size, bool peek) noexcept;
  static void append(Endpoint& endpoint, ReadBuffer& buffer) noexcept;
  /// What came and wasn't taken.
  void drop(Endpoint& endpoint) noexcept;
  std::uint32_t received(Endpoint* endpoint, const io_uring_cqe& completion) noexcept;
  std::uint32_t accepted(Endpoint* endpoint, const io_uring_cqe& completion) noexcept;
  std::uint32_t arrived(Endpoint* endpoint, const io_uring_cqe& completion) noexcept;
  static std::uint32_t failed(Endpoint& endpoint, int result) noexcept;
  std::uint32_t sent(const io_uring_cqe& completion, Token& token) noexcept;

  RingPort& port_;
  Slab& slab_;
  ProvidedBuffers buffers_;
  DatagramBuffers datagram_buffers_;
  DescriptorTable<Endpoint> endpoints_;
  std::size_t in_flight_ = 0;
  SpareBlocks blocks_;
  bool limits_credit_ = true;  ///< this kernel can
  bool ending_ = false;        ///< nothing is requested again
  int newcomer_ = -1;          ///< accepted last; not open yet
};

}  // namespace reactorlab
