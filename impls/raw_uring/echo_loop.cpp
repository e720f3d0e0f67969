#include "impls/raw_uring/echo_loop.hpp"

#include "harness/scenarios/work.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace reactorlab::raw_uring {
namespace {

constexpr std::uint64_t kOperationBits = 7;
static_assert(alignof(Connection) > kOperationBits);

std::uint64_t user_data(Operation operation, const Connection* connection) {
  return reinterpret_cast<std::uintptr_t>(connection) | static_cast<std::uint64_t>(operation);
}

std::initializer_list<LoopbackListener::Option> listener_options(bool share_port) {
  // A receive stops at an urgent byte and sees nothing behind it, unless it is in line.
  static constexpr std::initializer_list<LoopbackListener::Option> kAlone = {{SOL_SOCKET, SO_OOBINLINE}};
  static constexpr std::initializer_list<LoopbackListener::Option> kShared = {{SOL_SOCKET, SO_OOBINLINE},
                                                                              {SOL_SOCKET, SO_REUSEPORT}};
  return share_port ? kShared : kAlone;
}

}  // namespace

EchoLoop::EchoLoop(const ServeRequest& request, bool share_port, LoopSizes sizes)
    : ring_(sizes.ring),
      pool_(ring_.get(), sizes.buffers, request.read_chunk),
      listener_("raw_uring", request.port, request.backlog, 0, listener_options(share_port)),
      stop_fd_(request.stop_fd),
      received_(sizes.buffers) {}

/// There are connections left only where run() threw.
EchoLoop::~EchoLoop() {
  while (connections_ != nullptr) {
    ::close(connections_->fd);
    delete std::exchange(connections_, connections_->next);
  }
}

ServeReport EchoLoop::run() {
  start();
  while (turn()) {
  }
  return finish();
}

void EchoLoop::start() {
  ring_.enter();
  accept();
  if (stop_fd_ < 0) return;
  ::io_uring_prep_poll_add(&prepare(Operation::Stop, nullptr), stop_fd_, POLLIN);
  ++in_flight_;
}

/// Whose answer is on its way has nothing more to do until its next message, so that a turn usually waits for more than for sends.
bool EchoLoop::turn() {
  const bool hurry = std::exchange(hurry_, false) || stopping_ || !starved_.empty();
  ring_.turn(hurry ? Until::Certain : Until::More, [this](const io_uring_cqe& completion) { on_completion(completion); });
  if (turn_.messages > 0) ring_.limit_batch(kTurnBytes * turn_.messages / turn_.bytes);
  counts_.recv += turn_.messages;
  turn_ = {};
  if (!starved_.empty()) pool_.lengthen_ring();
  pool_.publish();
  if (!starved_.empty()) feed_starved();
  return !stopping_;
}

/// No new client first, then nobody is served any more. Descriptors and memory are free only when the kernel has answered
/// everything.
ServeReport EchoLoop::finish() {
  stopping_ = true;
  accept_rests_ = false;
  ::io_uring_prep_cancel64(&prepare(Operation::Unwatched, nullptr), 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
  for (Connection *connection = connections_, *next = nullptr; connection != nullptr; connection = next) {
    next = connection->next;
    break_off(*connection);
    settle(*connection);
  }
  while (in_flight_ > 0) turn();
  listener_.close();
  ring_.submit();
  ring_.leave();
  return report();
}

ServeReport EchoLoop::report() const {
  const Counts& c = counts_;
  return {.connections = c.accepted,
          .counters = {{"recv", c.recv},
                       {"send", c.send},
                       {"io_uring_enter", ring_.enters()},
                       {"syscalls", ring_.enters()},
                       {"full_send_buffers", c.full_send_buffers},
                       {"no_buffers", c.no_buffers},
                       {"accept_refused", c.accept_refused},
                       {"connection_errors", c.connection_errors}}};
}

/// The entry of an operation that will complete, to be handed to an io_uring_prep_*.
io_uring_sqe& EchoLoop::prepare(Operation operation, Connection* connection) {
  io_uring_sqe& entry = ring_.next();
  entry.user_data = user_data(operation, connection);
  return entry;
}

[[gnu::always_inline]] inline void EchoLoop::on_completion(const io_uring_cqe& completion) {
  auto* connection = reinterpret_cast<Connection*>(static_cast<std::uintptr_t>(completion.user_data & ~kOperationBits));
  switch (static_cast<Operation>(completion.user_data & kOperationBits)) {
    case Operation::Receive: return on_receive(*connection, completion);
    case Operation::Send: return on_send(*connection, completion.res);
    case Operation::Accept: return on_accept(completion);
    case Operation::Stop:
      --in_flight_;
      stopping_ = true;
      return;
    case Operation::AcceptRest:
      --in_flight_;
      rest_is_timed_ = false;
      if (accept_rests_) accept();
      return;
    case Operation::Unwatched: return;  // a cancel that found nothing: its target had completed already
  }
}

// --- receive ---

void EchoLoop::receive(Connection& connection) {
  io_uring_sqe& entry = prepare(Operation::Receive, &connection);
  ::io_uring_prep_recv_multishot(&entry, connection.fd, nullptr, 0, 0);
  entry.flags = IOSQE_BUFFER_SELECT;
  entry.buf_group = BufferPool::kGroup;
  connection.receiving = true;
  ++in_flight_;
}

[[gnu::always_inline]] inline void EchoLoop::on_receive(Connection& connection, const io_uring_cqe& completion) {
  if ((completion.flags & IORING_CQE_F_BUFFER) != 0) [[likely]] {
    const auto buffer = static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
    pool_.take();
    if (completion.res > 0 && !connection.broken) [[likely]]
      echo(connection, buffer, static_cast<std::uint32_t>(completion.res));
    else
      pool_.give_back(buffer);
  }
  if ((completion.flags & IORING_CQE_F_MORE) == 0) [[unlikely]]
    end_of_receive(connection, completion.res);
}

/// `result` is that of the receive's last completion: bytes, if the kernel just wants it armed again.
[[gnu::noinline]] void EchoLoop::end_of_receive(Connection& connection, int result) {
  --in_flight_;
  connection.receiving = connection.cancelling = false;
  hurry_ |= connection.sending;
  if (result == 0) {
    connection.ended = true;
  } else if (result == -ENOBUFS) {
    starve(connection);
  } else if (result < 0 && result != -ECANCELED && result != -EINTR) {
    ++counts_.connection_errors;
    break_off(connection);
  }
  settle(connection);
}

/// No end of the stream: a connection found all buffers on loan. Who has something to echo yet is received from after that.
void EchoLoop::starve(Connection& connection) {
  ++counts_.no_buffers;
  if (connection.broken || connection.sending) return;
  connection.starved = true;
  starved_.push_back(&connection);
}

/// Who waits longest comes first. What is armed here finds its bytes while it is submitted, before anybody who is armed already;
/// half of the buffers are left to those, or everybody would come here in turn.
void EchoLoop::feed_starved() {
  for (std::size_t n = std::min<std::size_t>(starved_.size(), (pool_.in_ring() + 1) / 2); n > 0; --n) {
    Connection& connection = *starved_.front();
    starved_.pop_front();
    connection.starved = false;
    receive(connection);
  }
}

// --- send ---

/// One send in flight per connection: two would be free to overtake each other.
[[gnu::always_inline]] inline void EchoLoop::echo(Connection& connection, std::uint16_t buffer, std::uint32_t size) {
  if (!work::do_requested_if_any(pool_.bytes(buffer), size)) [[unlikely]] {
    pool_.give_back(buffer);
    return break_off(connection);
  }
  ++turn_.messages;
  turn_.bytes += size;
  if (connection.backlog) [[unlikely]] {
    const char* bytes = pool_.bytes(buffer);
    connection.backlog->chunks.emplace_back(bytes, bytes + size);
    return pool_.give_back(buffer);
  }
  received_[buffer] = {.size = size, .next = kNone};
  if (connection.first == kNone) [[likely]] {
    connection.first = connection.last = buffer;
    return send_first(connection);
  }
  received_[connection.last].next = buffer;
  connection.last = buffer;
  hurry_ = true;
  if (++connection.waiting >= kWaitingMax) stop_receiving(connection);
}

/// From the buffer that it was received into. It completes while it is submitted: with a full send buffer it says so instead of
/// waiting, and the turn can count on it.
void EchoLoop::send_first(Connection& connection) {
  ++counts_.send;
  ::io_uring_prep_send(&prepare(Operation::Send, &connection), connection.fd, pool_.bytes(connection.first),
                       received_[connection.first].size, MSG_NOSIGNAL | MSG_DONTWAIT);
  ring_.count_on_completion();
  connection.sending = true;
  ++in_flight_;
}

[[gnu::always_inline]] inline void EchoLoop::on_send(Connection& connection, int result) {
  --in_flight_;
  connection.sending = false;
  if (connection.backlog) [[unlikely]]
    return on_backlog_sent(connection, result);
  const std::uint16_t buffer = connection.first;
  const Received done = received_[buffer];
  if (result != static_cast<int>(done.size) && !connection.broken) [[unlikely]] {
    if (result >= 0 || result == -EAGAIN || result == -EINTR)
      return block(connection, result < 0 ? 0 : static_cast<std::size_t>(result));
    ++counts_.connection_errors;
    break_off(connection);
  }
  pool_.give_back(buffer);
  connection.first = connection.broken ? kNone : done.next;
  if (connection.first != kNone) [[unlikely]] {
    --connection.waiting;
    hurry_ = true;
    return send_first(connection);
  }
  if (!connection.receiving) settle(connection);
}

/// Its peer doesn't take its bytes: it gives its buffers back and isn't received from until all is out. What the kernel has
/// received for it meanwhile, at most a turn's worth, joins the backlog.
[[gnu::noinline]] void EchoLoop::block(Connection& connection, std::size_t sent) {
  ++counts_.full_send_buffers;
  connection.backlog = std::make_unique<Backlog>();
  for (std::uint16_t buffer = connection.first; buffer != kNone; buffer = received_[buffer].next) {
    const char* bytes = pool_.bytes(buffer);
    connection.backlog->chunks.emplace_back(bytes + std::exchange(sent, 0), bytes + received_[buffer].size);
    pool_.give_back(buffer);
  }
  connection.first = connection.last = kNone;
  connection.waiting = 0;
  stop_receiving(connection);
  send_backlog(connection);
}

/// Waits in the kernel until the whole chunk is out.
void EchoLoop::send_backlog(Connection& connection) {
  ++counts_.send;
  const std::vector<char>& chunk = connection.backlog->chunks.front();
  io_uring_sqe& entry = prepare(Operation::Send, &connection);
  ::io_uring_prep_send(&entry, connection.fd, chunk.data() + connection.backlog->sent, chunk.size() - connection.backlog->sent,
                       MSG_NOSIGNAL | MSG_WAITALL);
  entry.ioprio |= IORING_RECVSEND_POLL_FIRST;
  connection.sending = true;
  ++in_flight_;
}

[[gnu::noinline]] void EchoLoop::on_backlog_sent(Connection& connection, int result) {
  Backlog& backlog = *connection.backlog;
  if (result < 0 && result != -EAGAIN && result != -EINTR && !connection.broken) {
    ++counts_.connection_errors;
    break_off(connection);
  }
  if (!connection.broken) {
    backlog.sent += result < 0 ? 0 : static_cast<std::size_t>(result);
    if (backlog.sent == backlog.chunks.front().size()) {
      backlog.chunks.pop_front();
      backlog.sent = 0;
    }
    if (!backlog.chunks.empty()) return send_backlog(connection);
  }
  connection.backlog.reset();
  settle(connection);
}

// --- accept ---

void EchoLoop::accept() {
  accept_rests_ = false;
  ::io_uring_prep_multishot_accept(&prepare(Operation::Accept, nullptr), listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
  ++in_flight_;
}

void EchoLoop::on_accept(const io_uring_cqe& completion) {
  if (completion.res >= 0) adopt(completion.res);
  if ((completion.flags & IORING_CQE_F_MORE) != 0) return;
  --in_flight_;
  if (stopping_) return;
  if (completion.res >= 0 || completion.res == -ECONNABORTED) return accept();
  // No descriptor or no memory. The queue keeps its clients: try again when one left or after a rest, don't spin.
  ++counts_.accept_refused;
  accept_rests_ = true;
  if (std::exchange(rest_is_timed_, true)) return;
  ::io_uring_prep_timeout(&prepare(Operation::AcceptRest, nullptr), &accept_rest_, 0, 0);
  ++in_flight_;
}

void EchoLoop::adopt(int fd) {
  auto* connection = new Connection{.fd = fd, .backlog = nullptr, .next = connections_};
  if (connections_ != nullptr) connections_->previous = connection;
  connections_ = connection;
  if (stopping_) return close_connection(*connection);
  ++counts_.accepted;
  receive(*connection);
}

// --- the end of a connection ---

/// Its own completion comes only if there was nothing to cancel; the cancelled operation's always does.
void EchoLoop::cancel(Connection& connection, Operation operation) {
  io_uring_sqe& entry = prepare(Operation::Unwatched, nullptr);
  ::io_uring_prep_cancel64(&entry, user_data(operation, &connection), 0);
  entry.flags = IOSQE_CQE_SKIP_SUCCESS;
}

void EchoLoop::stop_receiving(Connection& connection) {
  if (connection.receiving && !std::exchange(connection.cancelling, true)) cancel(connection, Operation::Receive);
}

/// Drops what isn't in flight and recalls what is. The buffer of a send in flight stays on loan until that completes.
void EchoLoop::break_off(Connection& connection) {
  connection.broken = true;
  if (std::exchange(connection.starved, false)) std::erase(starved_, &connection);
  if (connection.first != kNone) {
    for (std::uint16_t buffer = received_[connection.first].next; buffer != kNone; buffer = received_[buffer].next)
      pool_.give_back(buffer);
    received_[connection.first].next = kNone;
    connection.last = connection.first;
    connection.waiting = 0;
  }
  if (stopping_) return;  // everything is recalled at once
  stop_receiving(connection);
  if (connection.sending && connection.backlog) cancel(connection, Operation::Send);
}

/// What an operation of the connection that completed leaves to do. While another one is in flight, its completion comes here
/// again.
void EchoLoop::settle(Connection& connection) {
  if (connection.receiving || connection.sending) return;
  if (connection.broken || connection.ended) return close_connection(connection);
  if (!connection.starved) receive(connection);
}

/// Nothing of it is in flight. The descriptor is free before any later entry is issued.
void EchoLoop::close_connection(Connection& connection) {
  ++counts_.close;
  io_uring_sqe& entry = prepare(Operation::Unwatched, nullptr);
  ::io_uring_prep_close(&entry, connection.fd);
  entry.flags = IOSQE_CQE_SKIP_SUCCESS;
  if (connection.previous != nullptr)
    connection.previous->next = connection.next;
  else
    connections_ = connection.next;
  if (connection.next != nullptr) connection.next->previous = connection.previous;
  delete &connection;
  if (accept_rests_ && !stopping_) accept();
}

}  // namespace reactorlab::raw_uring
