#include "impls/raw_epoll/shared_loop.hpp"

#include "harness/inline_syscall.hpp"
#include "harness/peer_serving.hpp"
#include "harness/scenarios/work.hpp"
#include "impls/raw_epoll/counts.hpp"

#include <array>
#include <cerrno>
#include <system_error>

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace reactorlab::raw_epoll {
namespace {

constexpr std::uint32_t kReadable = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT;
constexpr std::uint32_t kWritable = EPOLLOUT | EPOLLONESHOT;
/// An event may be of a connection that is slow to serve, so a thread takes few at a time, and the others find the rest.
constexpr int kBatch = 16;
/// Full reads in a row before the other connections get their turn.
constexpr int kReadBudget = 16;
/// How long accepting rests when descriptors or memory ran out.
constexpr int kAcceptRetryMs = 50;

}  // namespace

/// What a thread has for itself.
class SharedLoop::Worker {
 public:
  explicit Worker(SharedLoop& loop) : loop_(loop), buffer_(std::make_unique<char[]>(loop.chunk_)) {}

  ServeReport run() {
    while (!stopping_) {
      const bool rests = loop_.accept_rests_.load(std::memory_order_relaxed);
      const int ready = inline_sys::epoll_wait(loop_.epoll_fd_, events_.data(), kBatch, rests ? kAcceptRetryMs : -1);
      ++counts_.epoll_wait;
      for (int i = 0; i < ready; ++i) on_event(events_[static_cast<std::size_t>(i)].data.ptr);
      if (ready < 0 && ready != -EINTR) throw std::system_error(-ready, std::system_category(), "raw_epoll:shared: epoll_wait");
      if (rests && ready == 0) accept_again();
    }
    return counts_.report();
  }

 private:
  void on_event(void* source) {
    if (source == &loop_.socket_) return accept_all();
    if (source == nullptr) {
      stopping_ = true;
      return;
    }
    auto& connection = *static_cast<SharedConnection*>(source);
    (void)connection.handed_over.load(std::memory_order_acquire);
    serve(connection);
  }

  /// Flushes, reads and echoes until the stream gave less than asked, its peer stops reading or the budget is spent; then arms it
  /// again, which reports what has come or remained meanwhile.
  void serve(SharedConnection& connection) {
    if (!connection.unsent.empty() && !flush(connection)) return;
    for (int budget = kReadBudget; budget > 0; --budget) {
      ++counts_.recv;
      const long received = inline_sys::recv(connection.fd, buffer_.get(), loop_.chunk_);
      if (received == -EAGAIN || received == -EINTR) break;
      if (received <= 0) return close(connection, received);
      const auto size = static_cast<std::size_t>(received);
      if (!work::do_requested_if_any(buffer_.get(), size)) return close(connection, 0);
      ++counts_.send;
      const long sent = inline_sys::send(connection.fd, buffer_.get(), size);
      if (sent < 0 && sent != -EAGAIN) return close(connection, sent);
      const std::size_t taken = sent < 0 ? 0 : static_cast<std::size_t>(sent);
      if (taken < size) return block(connection, taken, size);
      if (size < loop_.chunk_) break;
    }
    arm(connection, kReadable);
  }

  /// Returns true when everything is out; else it is armed or closed.
  bool flush(SharedConnection& connection) {
    ++counts_.send;
    const long sent = inline_sys::send(connection.fd, connection.unsent.data() + connection.unsent_begin,
                                       connection.unsent.size() - connection.unsent_begin);
    if (sent < 0 && sent != -EAGAIN) {
      close(connection, sent);
      return false;
    }
    if (sent > 0) connection.unsent_begin += static_cast<std::size_t>(sent);
    if (connection.unsent_begin < connection.unsent.size()) {
      arm(connection, kWritable);
      return false;
    }
    connection.unsent = {};
    return true;
  }

  void block(SharedConnection& connection, std::size_t begin, std::size_t end) {
    ++counts_.full_send_buffers;
    connection.unsent.assign(buffer_.get() + begin, buffer_.get() + end);
    connection.unsent_begin = 0;
    arm(connection, kWritable);
  }

  /// From here on it may be another thread's. By number, because ThreadSanitizer takes epoll_ctl's own look at the descriptor,
  /// which comes after the release, for a race with that thread's close().
  void arm(SharedConnection& connection, std::uint32_t interest) {
    ++counts_.epoll_ctl;
    epoll_event event{.events = interest, .data = {.ptr = &connection}};
    const int fd = connection.fd;
    connection.handed_over.store(true, std::memory_order_release);
    ::syscall(SYS_epoll_ctl, loop_.epoll_fd_, EPOLL_CTL_MOD, fd, &event);
  }

  /// `result` is a recv's 0 or -errno, or a send's -errno.
  void close(SharedConnection& connection, long result) {
    if (result < 0) ++counts_.connection_errors;
    ++counts_.close;
    loop_.forget(connection);
    if (loop_.accept_rests_.load(std::memory_order_relaxed)) accept_again();
  }

  /// Of several threads that come here one tries.
  void accept_again() {
    if (loop_.accept_rests_.exchange(false)) accept_all();
  }

  void accept_all() {
    for (;;) {
      ++counts_.accept_calls;
      const int fd = ::accept4(loop_.socket_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        adopt(fd);
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        // The queue keeps its clients and its edge is spent. Who sleeps without a time limit doesn't know: this thread will see to
        // it.
        ++counts_.accept_refused;
        loop_.accept_rests_ = true;
        return;
      } else if (errno == EAGAIN) {
        return;
      }  // else: that client gave up (ECONNABORTED and the like); the next one is unharmed
    }
  }

  void adopt(int fd) {
    auto connection = std::make_unique<SharedConnection>();
    connection->fd = fd;
    connection->handed_over.store(true, std::memory_order_release);
    loop_.adopt(*connection);
    ++counts_.epoll_ctl;
    epoll_event event{.events = kReadable, .data = {.ptr = connection.get()}};
    if (::epoll_ctl(loop_.epoll_fd_, EPOLL_CTL_ADD, fd, &event) < 0) {
      ++counts_.connection_errors;
      loop_.forget(*connection.release());
      return;
    }
    ++counts_.accepted;
    (void)connection.release();
  }

  SharedLoop& loop_;
  const std::unique_ptr<char[]> buffer_;
  bool stopping_ = false;
  Counts counts_;
  std::array<epoll_event, kBatch> events_;
};

SharedLoop::SharedLoop(const ServeRequest& request)
    : chunk_(request.read_chunk),
      stop_fd_(request.stop_fd),
      socket_("raw_epoll:shared", request.port, request.backlog, SOCK_NONBLOCK) {
  epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd_ < 0) throw std::system_error(errno, std::system_category(), "raw_epoll:shared: epoll_create1");
  add(socket_.fd(), EPOLLIN | EPOLLET | EPOLLEXCLUSIVE, &socket_);
  if (stop_fd_ >= 0) add(stop_fd_, EPOLLIN, nullptr);  // level-triggered and never read: every thread sees it
}

SharedLoop::~SharedLoop() {
  while (connections_ != nullptr) forget(*connections_);
  ::close(epoll_fd_);
}

void SharedLoop::add(int fd, std::uint32_t interest, void* source) {
  epoll_event event{.events = interest, .data = {.ptr = source}};
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) < 0)
    throw std::system_error(errno, std::system_category(), "raw_epoll:shared: epoll_ctl(ADD)");
}

/// No new client first, then nobody is served any more.
ServeReport SharedLoop::run(unsigned workers) {
  std::vector<std::unique_ptr<Worker>> threads;
  while (threads.size() < workers) threads.push_back(std::make_unique<Worker>(*this));
  ServeReport report = peer_kit::run_on_a_thread_each(threads);
  socket_.close();
  while (connections_ != nullptr) forget(*connections_);
  return report;
}

void SharedLoop::adopt(SharedConnection& connection) {
  const std::lock_guard lock(connections_mutex_);
  connection.next = connections_;
  if (connections_ != nullptr) connections_->previous = &connection;
  connections_ = &connection;
}

/// Closes and frees it. Its thread alone may, or whoever comes when no thread is left.
void SharedLoop::forget(SharedConnection& connection) {
  {
    const std::lock_guard lock(connections_mutex_);
    if (connection.previous != nullptr)
      connection.previous->next = connection.next;
    else
      connections_ = connection.next;
    if (connection.next != nullptr) connection.next->previous = connection.previous;
  }
  ::close(connection.fd);
  delete &connection;
}

}  // namespace reactorlab::raw_epoll
