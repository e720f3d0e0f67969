#include "core/completions.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#include "core/frame_pool.hpp"
#include "core/mutation.hpp"
#include "core/sys_uring.hpp"
#include "core/task_arena.hpp"

namespace reactorlab {

/// A copy of what is being sent. The kernel reads it until its completion, whatever becomes of the stream and of its writer.
struct Completions::SendBlock {
  Token token;
  std::uint32_t size;
  std::uint32_t name_size;
  std::byte bytes[];  ///< and the receiver's address behind them

  static std::size_t memory(std::size_t size, std::size_t name_size) noexcept { return sizeof(SendBlock) + size + name_size; }
  /// A mutant's: what becomes of memory that was given back too early.
  void spoil() noexcept { std::memset(bytes, 0xdd, size); }
};

Completions::SendBlock* Completions::make_block(Token token, std::span<const std::byte> bytes,
                                                std::span<const std::byte> name) noexcept {
  void* const memory = blocks_.take(SendBlock::memory(bytes.size(), name.size()));
  if (!memory) return nullptr;
  auto* const block =
      new (memory) SendBlock{token, static_cast<std::uint32_t>(bytes.size()), static_cast<std::uint32_t>(name.size())};
  std::memcpy(block->bytes, bytes.data(), bytes.size());
  if (!name.empty()) std::memcpy(block->bytes + bytes.size(), name.data(), name.size());
  return block;
}

void Completions::free_block(SendBlock* block) noexcept { blocks_.give(block, SendBlock::memory(block->size, block->name_size)); }

Completions::Completions(RingPort& port, Slab& slab, unsigned buffers)
    : port_{port}, slab_{slab}, buffers_{port.ring(), buffers}, datagram_buffers_{port.ring()} {
  if (!buffers_.complete()) throw std::bad_alloc{};
  slab_.complete_by(this);
}

Completions::~Completions() {
  slab_.complete_by(nullptr);
  slab_.for_each_live([&](Registration& slot) {
    if (Endpoint* const endpoint = slot.completes ? endpoint_of(slab_.token_of(slot)) : nullptr) drop(*endpoint);
  });
}

// --- sources ------------------------------------------------------------------------------------------------------------------

Completions::Endpoint* Completions::endpoint_of(Token token) noexcept {
  Endpoint* const endpoint = endpoints_.find(slab_.slot_at(token).fd.load(relaxed));
  return endpoint && endpoint->token == token ? endpoint : nullptr;
}

namespace {
/// By which a source of that kind gets what comes.
constexpr RingRequest receiving_of(SourceKind kind) noexcept {
  switch (kind) {
    case SourceKind::listener: return RingRequest::accept;
    case SourceKind::datagram: return RingRequest::datagram;
    default: return RingRequest::receive;
  }
}
}  // namespace

Token Completions::source_at(int fd) noexcept {
  const Endpoint* const endpoint = endpoints_.find(fd);
  return endpoint ? endpoint->token : no_token;
}

bool Completions::open(int fd, Token token, std::uint32_t file) noexcept {
  Endpoint* const endpoint = endpoints_.make(fd);
  if (!endpoint) return false;
  *endpoint = Endpoint{};
  endpoint->token = token;
  endpoint->file = file;
  endpoint->newcomer = fd == std::exchange(newcomer_, -1);
  return true;
}

RequestsOfSource Completions::close(int fd) noexcept {
  Endpoint& endpoint = *endpoints_.find(fd);
  const Token token = endpoint.token;
  RequestsOfSource requests;
  if (endpoint.receiving) requests.add(user_data(token, receiving_of(slab_.slot_at(token).kind)));
  if (endpoint.awaits_writable) requests.add(user_data(token, RingRequest::writable));
  if (endpoint.sending) requests.add(user_data(reinterpret_cast<std::uintptr_t>(endpoint.block), RingRequest::send));
  if (!mutated(Mutant::completed_result_forgotten)) drop(endpoint);
  endpoint = Endpoint{};
  return requests;
}

void Completions::drop(Endpoint& endpoint) noexcept {
  switch (slab_.slot_at(endpoint.token).kind) {
    case SourceKind::listener:
      while (!endpoint.connections.empty()) {
        Accepted& connection = endpoint.connections.pop();
        sys::close(connection.fd);
        blocks_.give(&connection, sizeof connection);
      }
      return;
    case SourceKind::datagram: return drop_datagrams(endpoint);
    default:
      while (!endpoint.received.empty()) BufferPool::put(&endpoint.received.pop());
  }
}

// --- requests -----------------------------------------------------------------------------------------------------------------

io_uring_sqe* Completions::request(Endpoint& endpoint, int fd, std::uint64_t name, RingRequest kind, std::uint8_t opcode) noexcept {
  io_uring_sqe* const entry = port_.queue(user_data(name, kind));
  if (!entry) {
    endpoint.refused = true;
    port_.fall_behind();
    return nullptr;
  }
  entry->opcode = opcode;
  entry->fd = fd;
  ++in_flight_;
  port_.hand_over();
  return entry;
}

void Completions::request_receive(Endpoint& endpoint, int fd) noexcept {
  io_uring_sqe* const entry = request(endpoint, fd, endpoint.token, RingRequest::receive, IORING_OP_RECV);
  if (!entry) return;
  entry->flags = IOSQE_BUFFER_SELECT;
  entry->buf_group = ProvidedBuffers::group;
  entry->ioprio = IORING_RECV_MULTISHOT;
  entry->len = limits_credit_ ? ReadBuffer::capacity : 0;
  entry->file_index = limits_credit_ ? credit : 0;  // optlen, which this header doesn't have yet
  endpoint.receiving = true;
}

void Completions::request_accept(Endpoint& endpoint, int fd) noexcept {
  io_uring_sqe* const entry = request(endpoint, fd, endpoint.token, RingRequest::accept, IORING_OP_ACCEPT);
  if (!entry) return;
  entry->accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  entry->ioprio = IORING_ACCEPT_MULTISHOT;
  endpoint.receiving = true;
}

void Completions::request_writable(Endpoint& endpoint, int fd) noexcept {
  if (endpoint.awaits_writable) return;
  io_uring_sqe* const entry = request(endpoint, fd, endpoint.token, RingRequest::writable, IORING_OP_POLL_ADD);
  if (!entry) return;
  entry->poll32_events = EPOLLOUT;
  endpoint.awaits_writable = true;
}

/// The edge of a completion wakes who is parked then. Somebody who had found the send under way and parks only now needs one of his
/// own.
void Completions::tell_other_writers(Endpoint& endpoint) noexcept {
  if (endpoint.awaits_writable) return;
  endpoint.awaits_writable = request(endpoint, -1, endpoint.token, RingRequest::writable, IORING_OP_NOP);
}

Token Completions::take_refused(int& fd) noexcept {
  while (Endpoint* const endpoint = endpoints_.find(fd++)) {
    if (!endpoint->refused) continue;
    endpoint->refused = false;
    return endpoint->token;
  }
  return no_token;
}

void Completions::cancel_all() noexcept {
  ending_ = true;
  port_.cancel_everything();
  port_.submit();
}

// --- attempts -----------------------------------------------------------------------------------------------------------------

bool Completions::must_wait(const Registration& slot) noexcept {
  if (!port_.may_use()) return true;
  if (!instrumented) return false;
  auto lock = port_.lock();
  const Endpoint* const endpoint = endpoint_of(slot);
  return endpoint && endpoint->receiving && !endpoint->cancelling && endpoint->received.empty() && !endpoint->failed;
}

long Completions::receive(Registration& slot, ReadBuffer*& into) noexcept {
  const int fd = slot.fd.load(relaxed);
  into = nullptr;
  if (must_wait(slot)) return -EAGAIN;
  return sys::issue({sys::Op::recv, fd, nullptr, ReadBuffer::capacity}, [&](const sys::Call& call) -> long {
    auto lock = port_.lock();
    Endpoint* const open = endpoint_of(slot);
    if (!open) return -EBADF;
    Endpoint& endpoint = *open;
    const bool empty = endpoint.received.empty();
    if (ReadBuffer* const buffer = endpoint.received.front(); buffer && buffer->size <= call.size) [[likely]] {
      endpoint.received.pop();
      if (buffer->begin != 0) std::memmove(buffer->bytes, buffer->bytes + buffer->begin, buffer->size);
      into = buffer;
      return buffer->size;
    }
    if (empty && !endpoint.failed && endpoint.receiving) [[likely]]
      return -EAGAIN;
    if (empty && endpoint.failed) return std::exchange(endpoint.failed, std::int16_t{0});
    if (endpoint.newcomer) {
      endpoint.newcomer = false;
      request_receive(endpoint, fd);
      return -EAGAIN;
    }
    ReadBuffer* const buffer = BufferPool::take();
    if (!buffer) return -ENOMEM;
    const long n = empty ? sys::ring_call(SYS_recvfrom, fd, buffer->bytes, call.size, 0, nullptr, nullptr)
                         : copy_out(endpoint, buffer->bytes, call.size, /*peek=*/false);
    if (n > 0) {
      buffer->size = static_cast<std::uint32_t>(n);
      into = buffer;
      if (empty && static_cast<std::size_t>(n) < call.size) request_receive(endpoint, fd);  // that was all: what comes is brought
      return n;
    }
    BufferPool::put(buffer);
    if (n != -EAGAIN) return n;
    request_receive(endpoint, fd);
    return -EAGAIN;
  });
}

long Completions::receive(Registration& slot, std::span<std::byte> into, int flags) noexcept {
  const int fd = slot.fd.load(relaxed);
  if (must_wait(slot)) return -EAGAIN;
  return sys::issue({sys::Op::recv, fd, into.data(), into.size(), flags}, [&](const sys::Call& call) -> long {
    auto lock = port_.lock();
    Endpoint* const open = endpoint_of(slot);
    if (!open) return -EBADF;
    Endpoint& endpoint = *open;
    if (!endpoint.received.empty()) return copy_out(endpoint, into.data(), call.size, flags & MSG_PEEK);
    if (endpoint.failed) return flags & MSG_PEEK ? endpoint.failed : std::exchange(endpoint.failed, std::int16_t{0});
    if (endpoint.receiving) return -EAGAIN;
    endpoint.newcomer = false;
    const long n = sys::ring_call(SYS_recvfrom, fd, into.data(), call.size, flags, nullptr, nullptr);
    if (n > 0 && static_cast<std::size_t>(n) < call.size && !(flags & MSG_PEEK)) request_receive(endpoint, fd);
    if (n != -EAGAIN) return n;
    request_receive(endpoint, fd);
    return -EAGAIN;
  });
}

long Completions::copy_out(Endpoint& endpoint, std::byte* into, std::size_t size, bool peek) noexcept {
  std::size_t copied = 0;
  for (ReadBuffer* buffer = endpoint.received.front(); buffer && copied != size;) {
    const std::size_t part = std::min<std::size_t>(buffer->size, size - copied);
    std::memcpy(into + copied, buffer->bytes + buffer->begin, part);
    copied += part;
    ReadBuffer* const next = endpoint.received.behind(*buffer);
    if (!peek) {
      buffer->begin += static_cast<std::uint32_t>(part);
      buffer->size -= static_cast<std::uint32_t>(part);
      if (buffer->size != 0) break;
      BufferPool::put(&endpoint.received.pop());
    }
    buffer = next;
  }
  return static_cast<long>(copied);
}

long Completions::accept(Registration& slot) noexcept {
  const int fd = slot.fd.load(relaxed);
  if (must_wait(slot)) return -EAGAIN;
  return sys::issue({sys::Op::accept4, fd}, [&](const sys::Call&) -> long {
    auto lock = port_.lock();
    Endpoint* const open = endpoint_of(slot);
    if (!open) return -EBADF;
    Endpoint& endpoint = *open;
    if (!endpoint.connections.empty()) {
      Accepted& connection = endpoint.connections.pop();
      if (endpoint.waiting != 0) --endpoint.waiting;
      const int accepted = newcomer_ = connection.fd;
      blocks_.give(&connection, sizeof connection);
      return accepted;
    }
    if (endpoint.failed) return std::exchange(endpoint.failed, std::int16_t{0});
    if (endpoint.receiving && !endpoint.cancelling) return -EAGAIN;
    const long accepted = sys::ring_call(SYS_accept4, fd, nullptr, nullptr, int{SOCK_NONBLOCK | SOCK_CLOEXEC});
    if (accepted == -EAGAIN && !endpoint.receiving) request_accept(endpoint, fd);
    return accepted;
  });
}

long Completions::send(Registration& slot, const TaskHeader& task, std::span<const std::byte> bytes,
                       std::span<const std::byte> name) noexcept {
  const int fd = slot.fd.load(relaxed);
  auto* const data = const_cast<std::byte*>(bytes.data());
  const sys::Op op = name.empty() ? sys::Op::send : sys::Op::sendto;
  return sys::issue({op, fd, data, bytes.size()}, [&](const sys::Call& call) -> long {
    if (!port_.may_use()) return -EAGAIN;
    auto lock = port_.lock();
    Endpoint* const open = endpoint_of(slot);
    if (!open) return -EBADF;
    Endpoint& endpoint = *open;
    const std::uint32_t me = TaskArena::offset_of(task);
    if (endpoint.sending) {
      if (endpoint.writer != me) endpoint.contended = true;
      return -EAGAIN;
    }
    // Once shutdown has begun nobody waits for a completion any more.
    const bool ended = slot.word(Direction::write).load(relaxed) & (readiness::closed | readiness::shutdown);
    if (endpoint.writer == me && !ended) {
      endpoint.writer = 0;
      if (endpoint.contended) [[unlikely]]
        tell_other_writers(endpoint);
      return endpoint.sent;
    }
    if (endpoint.writer == 0 && !ended && call.size <= most_copied && call.size != 0) [[likely]] {
      SendBlock* const block = make_block(endpoint.token, bytes.first(std::min(bytes.size(), most_copied)), name);
      if (!block) return -ENOMEM;
      io_uring_sqe* const entry = request(endpoint, fd, reinterpret_cast<std::uintptr_t>(block), RingRequest::send, IORING_OP_SEND);
      if (entry) [[likely]] {
        entry->addr = reinterpret_cast<std::uintptr_t>(block->bytes);
        entry->len = static_cast<std::uint32_t>(call.size);  // a script's part of them: then the completion is a short one
        entry->msg_flags = MSG_NOSIGNAL | MSG_WAITALL;
        if (!name.empty()) {
          entry->addr2 = reinterpret_cast<std::uintptr_t>(block->bytes + block->size);
          entry->addr_len = static_cast<std::uint16_t>(name.size());
        }
        endpoint.block = block;
        endpoint.sending = true;
        endpoint.writer = me;
        return -EAGAIN;
      }
      free_block(block);
    }
    if (endpoint.writer != 0 && !ended) tell_other_writers(endpoint);  // the edge of that completion may have been ours
    const long n = sys::ring_call(SYS_sendto, fd, data, call.size, int{MSG_NOSIGNAL | MSG_DONTWAIT},
                                  name.empty() ? nullptr : name.data(), name.size());
    if (n != -EAGAIN) return n;
    request_writable(endpoint, fd);
    return -EAGAIN;
  });
}

long Completions::send_vector(Registration& slot, std::span<const iovec> parts) noexcept {
  const int fd = slot.fd.load(relaxed);
  return sys::issue({sys::Op::sendmsg, fd, const_cast<iovec*>(parts.data()), parts.size()}, [&](const sys::Call& call) -> long {
    if (!port_.may_use()) return -EAGAIN;
    auto lock = port_.lock();
    Endpoint* const open = endpoint_of(slot);
    if (!open) return -EBADF;
    Endpoint& endpoint = *open;
    if (endpoint.sending) {
      endpoint.contended = true;
      return -EAGAIN;
    }
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts.data());
    message.msg_iovlen = call.size;
    const long n = sys::ring_call(SYS_sendmsg, fd, &message, int{MSG_NOSIGNAL | MSG_DONTWAIT});
    if (n != -EAGAIN) return n;
    request_writable(endpoint, fd);
    return -EAGAIN;
  });
}

void Completions::abandon_send(Registration& slot, const TaskHeader& task) noexcept {
  auto lock = port_.lock();
  Endpoint* const endpoint = endpoint_of(slot);
  if (!endpoint || endpoint->writer != TaskArena::offset_of(task)) return;
  endpoint->writer = 0;
  if (mutated(Mutant::send_buffer_freed_early) && endpoint->sending) endpoint->block->spoil();
  if (!endpoint->sending && endpoint->contended) tell_other_writers(*endpoint);
}

void Completions::await_writable(Registration& slot) noexcept {
  if (!port_.may_use()) return;
  auto lock = port_.lock();
  if (Endpoint* const endpoint = endpoint_of(slot)) request_writable(*endpoint, slot.fd.load(relaxed));
}

// --- completions --------------------------------------------------------------------------------------------------------------

std::uint32_t Completions::complete(const io_uring_cqe& completion, Token& token) noexcept {
  if (!(completion.flags & IORING_CQE_F_MORE)) --in_flight_;
  const RingRequest kind = request_of(completion.user_data);
  if (kind == RingRequest::send) return sent(completion, token);
  token = name_in(completion.user_data);
  Endpoint* const endpoint = endpoint_of(token);
  if (kind == RingRequest::receive) return received(endpoint, completion);
  if (kind == RingRequest::accept) return accepted(endpoint, completion);
  if (kind == RingRequest::datagram) return arrived(endpoint, completion);
  if (!endpoint) return 0;
  endpoint->awaits_writable = false;
  return EPOLLOUT;
}

std::uint32_t Completions::received(Endpoint* endpoint, const io_uring_cqe& completion) noexcept {
  ReadBuffer* const buffer = completion.flags & IORING_CQE_F_BUFFER
                                 ? buffers_.take(static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT))
                                 : nullptr;
  if (endpoint && !(completion.flags & IORING_CQE_F_MORE) && !mutated(Mutant::ended_receive_kept)) endpoint->receiving = false;
  if (buffer && endpoint && completion.res > 0) [[likely]] {
    buffer->size = static_cast<std::uint32_t>(completion.res);
    buffer->begin = 0;
    // It used up its credit. Whoever keeps up with what arrives gets the next one at once; others when they have read what is here.
    const int fd = slab_.slot_at(endpoint->token).fd.load(relaxed);
    if (!endpoint->receiving && endpoint->received.empty() && !ending_) request_receive(*endpoint, fd);
    append(*endpoint, *buffer);
    return EPOLLIN;
  }
  if (buffer) BufferPool::put(buffer);
  if (!endpoint) return 0;
  if (completion.res == -EINVAL && std::exchange(limits_credit_, false)) return EPOLLIN;
  return failed(*endpoint, completion.res);
}

/// Small pieces are gathered, so that what a slow reader makes us keep isn't more memory than bytes.
void Completions::append(Endpoint& endpoint, ReadBuffer& buffer) noexcept {
  if (endpoint.received.empty()) [[likely]]
    return endpoint.received.push(buffer);
  ReadBuffer& last = *endpoint.received.last;
  if (last.begin + last.size + buffer.size <= ReadBuffer::capacity) {
    std::memcpy(last.bytes + last.begin + last.size, buffer.bytes, buffer.size);
    last.size += buffer.size;
    return BufferPool::put(&buffer);
  }
  endpoint.received.push(buffer);
}

std::uint32_t Completions::accepted(Endpoint* endpoint, const io_uring_cqe& completion) noexcept {
  if (!endpoint) {  // closed meanwhile
    if (completion.res >= 0 && !mutated(Mutant::late_connection_forgotten)) sys::close(completion.res);
    return 0;
  }
  if (!(completion.flags & IORING_CQE_F_MORE)) endpoint->receiving = endpoint->cancelling = false;
  if (completion.res < 0) return failed(*endpoint, completion.res);
  void* const memory = blocks_.take(sizeof(Accepted));
  if (!memory) {
    sys::close(completion.res);
    return failed(*endpoint, -ENOMEM);
  }
  endpoint->connections.push(*new (memory) Accepted{nullptr, completion.res});
  if (endpoint->waiting != std::numeric_limits<std::uint8_t>::max()) ++endpoint->waiting;
  // Who takes none leaves them in the kernel's queue, where their clients can tell.
  if (endpoint->waiting >= most_connections && endpoint->receiving && !endpoint->cancelling) {
    endpoint->cancelling = true;
    port_.cancel(user_data(endpoint->token, RingRequest::accept));
  }
  return EPOLLIN;
}

/// A request ended without bringing anything: at the end of the stream, for an error, or because the ring could do no more of it;
/// then the next attempt asks the kernel.
std::uint32_t Completions::failed(Endpoint& endpoint, int result) noexcept {
  switch (result) {
    case 0: return EPOLLIN | EPOLLRDHUP;
    case -ENOBUFS:
      if (mutated(Mutant::no_buffers_taken_for_end)) endpoint.failed = static_cast<std::int16_t>(result);
      return EPOLLIN;
    case -ECANCELED:
    case -EAGAIN:
    case -EINTR: return EPOLLIN;
    default: endpoint.failed = static_cast<std::int16_t>(result); return EPOLLIN;
  }
}

std::uint32_t Completions::sent(const io_uring_cqe& completion, Token& token) noexcept {
  auto* const block = reinterpret_cast<SendBlock*>(name_in(completion.user_data));
  token = block->token;
  const auto whole = static_cast<std::int32_t>(block->size);
  free_block(block);
  Endpoint* const endpoint = endpoint_of(token);
  if (!endpoint) return 0;
  endpoint->sending = false;
  if (endpoint->writer == 0 && endpoint->contended) tell_other_writers(*endpoint);  // nobody will take the result
  endpoint->sent = completion.res == -ECANCELED ? -EINTR : completion.res;  // the thread that handed it over has ended: again
  if (mutated(Mutant::short_send_forgotten) && completion.res > 0) endpoint->sent = whole;
  return EPOLLOUT;
}

}  // namespace reactorlab
