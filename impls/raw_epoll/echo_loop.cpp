#include "impls/raw_epoll/echo_loop.hpp"

#include "harness/inline_syscall.hpp"
#include "harness/scenarios/work.hpp"

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

namespace reactorlab::raw_epoll {
namespace {

constexpr std::uint32_t kReadInterest = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET;
/// Events after which a short read proves that the stream is drained. RDHUP, HUP and ERR leave an end to be read; PRI
/// marks an urgent byte, where a read stops early although data follows.
constexpr std::uint32_t kPlainEvents = EPOLLIN | EPOLLOUT;

void add(int epoll_fd, Connection& source, std::uint32_t interest) {
  epoll_event event{};
  event.events = interest;
  event.data.ptr = &source;
  if (::epoll_ctl(epoll_fd, EPOLL_CTL_ADD, source.fd, &event) < 0)
    throw std::system_error(errno, std::system_category(), "raw_epoll: epoll_ctl(ADD)");
}

}  // namespace

EchoLoop::EchoLoop(const ServeRequest& request)
    : chunk_(request.read_chunk),
      buffer_(std::make_unique<char[]>(request.read_chunk)),
      socket_("raw_epoll", request.port, request.backlog, SOCK_NONBLOCK) {
  listener_.kind = SourceKind::Listener;
  stop_.kind = SourceKind::Stop;
  stop_.fd = request.stop_fd;
  listener_.fd = socket_.fd();
  epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd_ < 0) throw std::system_error(errno, std::system_category(), "raw_epoll: epoll_create1");
  add(epoll_fd_, listener_, EPOLLIN | EPOLLET);
  if (stop_.fd >= 0) add(epoll_fd_, stop_, EPOLLIN);
}

EchoLoop::~EchoLoop() {
  close_all();
  ::close(epoll_fd_);
}

ServeReport EchoLoop::run() {
  while (!stopping_) {
    const int ready = inline_sys::epoll_wait(epoll_fd_, events_.data(), kBatch, wait_timeout_ms());
    ++counts_.epoll_wait;
    for (int i = 0; i < ready; ++i) on_event(*static_cast<Connection*>(events_[i].data.ptr), events_[i].events);
    if (ready < 0 && ready != -EINTR) throw std::system_error(-ready, std::system_category(), "raw_epoll: epoll_wait");
    if (!continue_list_.empty()) run_continue_list();
    if (accept_rests_ && (ready == 0 || counts_.close != closed_before_rest_)) accept_all();
  }
  close_all();

  return counts_.report();
}

/// The whole steady state: one recv, one send, and after a short read no further recv that would only say EAGAIN.
[[gnu::always_inline]] inline void EchoLoop::on_event(Connection& connection, std::uint32_t events) {
  if ((events & ~kPlainEvents) != 0 || connection.kind != SourceKind::Plain) [[unlikely]]
    return on_event_slow(connection, events);
  ++counts_.recv;
  const long received = inline_sys::recv(connection.fd, buffer_.get(), chunk_);
  if (received <= 0) [[unlikely]]
    return end_of_read(connection, received);
  const auto size = static_cast<std::size_t>(received);
  ++counts_.send;
  const long sent = inline_sys::send(connection.fd, buffer_.get(), size);
  if (sent != received) [[unlikely]] {
    if (sent < 0 && sent != -EAGAIN) return end_of_read(connection, sent);
    return block(connection, sent < 0 ? 0 : static_cast<std::size_t>(sent), size);
  }
  if (size == chunk_) [[unlikely]]
    pump(connection, false);
}

[[gnu::noinline]] void EchoLoop::on_event_slow(Connection& connection, std::uint32_t events) {
  switch (connection.kind) {
    case SourceKind::Listener: return accept_all();
    case SourceKind::Stop: stopping_ = true; return;
    case SourceKind::Closed: return;
    case SourceKind::Working:
    case SourceKind::Blocked:
    case SourceKind::Plain: return pump(connection, (events & ~kPlainEvents) != 0);
  }
}

/// Echoes until the stream is drained, its peer stops reading or the budget is spent. `until_would_block` forbids the
/// short-read shortcut.
[[gnu::noinline]] void EchoLoop::pump(Connection& connection, bool until_would_block) {
  if (connection.kind == SourceKind::Blocked && !flush(connection)) return;
  for (int budget = kReadBudget; budget > 0; --budget) {
    ++counts_.recv;
    const long received = inline_sys::recv(connection.fd, buffer_.get(), chunk_);
    if (received <= 0) return end_of_read(connection, received);
    const auto size = static_cast<std::size_t>(received);
    if (!work::do_requested_if_any(buffer_.get(), size)) return close_connection(connection);
    if (!echo(connection, size)) return;
    if (size < chunk_ && !until_would_block) return;
  }
  if (!std::exchange(connection.continues, true)) continue_list_.push_back(&connection);
}

/// `result` is a recv's 0 or -errno, or a send's -errno. The peer's end comes only after everything was echoed, because
/// a blocked connection isn't read.
[[gnu::noinline]] void EchoLoop::end_of_read(Connection& connection, long result) {
  if (result == -EAGAIN || result == -EINTR) return;
  if (result < 0) ++counts_.connection_errors;
  close_connection(connection);
}

/// Returns false when the connection is blocked or closed.
bool EchoLoop::echo(Connection& connection, std::size_t size) {
  ++counts_.send;
  const long sent = inline_sys::send(connection.fd, buffer_.get(), size);
  if (sent == static_cast<long>(size)) return true;
  if (sent < 0 && sent != -EAGAIN)
    end_of_read(connection, sent);
  else
    block(connection, sent < 0 ? 0 : static_cast<std::size_t>(sent), size);
  return false;
}

/// Keeps the unsent rest of the shared buffer. Modifying the registration reports the current readiness once more, so
/// an edge between the short send and this call isn't lost.
[[gnu::noinline]] void EchoLoop::block(Connection& connection, std::size_t begin, std::size_t end) {
  ++counts_.full_send_buffers;
  connection.kind = SourceKind::Blocked;
  connection.pending = std::make_unique<char[]>(end - begin);
  std::memcpy(connection.pending.get(), buffer_.get() + begin, end - begin);
  connection.pending_begin = 0;
  connection.pending_end = end - begin;
  if (std::exchange(connection.widened, true)) return;
  epoll_event event{};
  event.events = kReadInterest | EPOLLOUT;
  event.data.ptr = &connection;
  ++counts_.epoll_ctl;
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, connection.fd, &event);
}

/// Returns true when everything is out and the connection is Plain again.
bool EchoLoop::flush(Connection& connection) {
  while (connection.pending_begin < connection.pending_end) {
    ++counts_.send;
    const long sent = inline_sys::send(connection.fd, connection.pending.get() + connection.pending_begin,
                                       connection.pending_end - connection.pending_begin);
    if (sent < 0) {
      end_of_read(connection, sent);
      return false;
    }
    connection.pending_begin += static_cast<std::size_t>(sent);
  }
  connection.pending.reset();
  connection.kind = work::requests_ask ? SourceKind::Working : SourceKind::Plain;
  return true;
}

void EchoLoop::run_continue_list() {
  for (Connection* connection : std::exchange(continue_list_, {})) {
    connection->continues = false;
    if (connection->kind == SourceKind::Closed)
      delete connection;
    else
      pump(*connection, true);
  }
}

void EchoLoop::accept_all() {
  accept_rests_ = false;
  for (;;) {
    ++counts_.accept_calls;
    const int fd = ::accept4(listener_.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      adopt(fd);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // The queue keeps its clients and its edge is spent: try again when one left or after a rest, don't spin.
      ++counts_.accept_refused;
      accept_rests_ = true;
      closed_before_rest_ = counts_.close;
      return;
    } else if (errno == EAGAIN) {
      return;
    }  // else: that client gave up (ECONNABORTED and the like); the next one is unharmed
  }
}

void EchoLoop::adopt(int fd) {
  auto connection = std::make_unique<Connection>();
  connection->fd = fd;
  if (work::requests_ask) connection->kind = SourceKind::Working;
  epoll_event event{};
  event.events = kReadInterest;
  event.data.ptr = connection.get();
  ++counts_.epoll_ctl;
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) < 0) {
    ++counts_.connection_errors;
    ::close(fd);
    return;
  }
  ++counts_.accepted;
  connection->next = connections_;
  if (connections_ != nullptr) connections_->previous = connection.get();
  connections_ = connection.release();
}

/// Safe inside a batch: epoll reports a descriptor at most once per wait, so no later event of the batch names it.
void EchoLoop::close_connection(Connection& connection) {
  ++counts_.close;
  ::close(connection.fd);
  if (connection.previous != nullptr)
    connection.previous->next = connection.next;
  else
    connections_ = connection.next;
  if (connection.next != nullptr) connection.next->previous = connection.previous;
  if (connection.continues)
    connection.kind = SourceKind::Closed;
  else
    delete &connection;
}

/// No new client first, then nobody is served any more.
void EchoLoop::close_all() {
  socket_.close();
  for (Connection* connection : std::exchange(continue_list_, {})) {
    connection->continues = false;
    if (connection->kind == SourceKind::Closed) delete connection;
  }
  while (connections_ != nullptr) close_connection(*connections_);
}

int EchoLoop::wait_timeout_ms() const {
  if (!continue_list_.empty()) return 0;
  return accept_rests_ ? kAcceptRetryMs : -1;
}

}  // namespace reactorlab::raw_epoll
