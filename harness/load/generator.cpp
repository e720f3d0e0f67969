#include "harness/load/generator.hpp"

#include "harness/inline_syscall.hpp"
#include "harness/load/endpoint.hpp"
#include "harness/measure/process_setup.hpp"

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

namespace reactorlab::load {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;

std::uint64_t thread_cpu_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(time.tv_nsec);
}

std::uint64_t nanoseconds(std::chrono::nanoseconds duration) { return static_cast<std::uint64_t>(duration.count()); }

/// Pins the calling thread and gives it its CPUs back.
class Pin {
 public:
  explicit Pin(std::optional<int> cpu) : before_(measure::allowed_cpus()) {
    if (cpu) measure::pin_this_thread({*cpu});
  }
  ~Pin() {
    try {
      measure::pin_this_thread(before_);
    } catch (const std::system_error&) {  // the cpuset shrank meanwhile: where we are is where we may be
    }
  }
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;

 private:
  std::vector<int> before_;
};

}  // namespace

LoadResult run_load(const LoadOptions& options) {
  if (options.conns == 0 || options.payload == 0 || options.pipeline == 0)
    throw std::invalid_argument("a load needs at least one connection, one byte and one message in flight");
  measure::require_descriptors(options.conns + 32, fmt::format("a load of {} connections", options.conns));
  const Pin pin(options.cpu);
  return Generator(options).run();
}

Generator::Generator(const LoadOptions& options)
    : options_(options),
      pattern_(options.seed),
      stream_{.pattern = pattern_, .payload = options.payload, .pipeline = options.pipeline},
      epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_fd_ < 0) throw std::system_error(errno, std::system_category(), "load: epoll_create1");
}

Generator::~Generator() { ::close(epoll_fd_); }

LoadResult Generator::run() {
  if (connect_all() && start_all(options_.warmup)) loop();
  result_.messages_total = stream_.messages;
  result_.bytes_verified = stream_.bytes;
  result_.ops = stream_.ops;
  result_.latency = std::move(stream_.latency);
  if (!stream_.error.empty()) fail(std::move(stream_.error));
  if (result_.error.empty() && result_.cancelled) result_.error = "interrupted";
  return std::move(result_);
}

bool Generator::fail(std::string error) {
  if (result_.error.empty()) result_.error = std::move(error);
  return false;
}

bool Generator::cancelled() const {
  return options_.cancel != nullptr && options_.cancel->load(std::memory_order_relaxed);
}

bool Generator::connect_all() {
  connections_.reserve(options_.conns);
  const std::uint64_t deadline = now_ns() + nanoseconds(options_.patience);
  while (connections_.size() < options_.conns) {
    if (cancelled()) return result_.cancelled = true, false;
    const int fd = connect_one();
    if (fd < 0) return false;
    connections_.emplace_back(fd, connections_.size(), stream_);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.u64 = connections_.size() - 1;
    if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) < 0)
      throw std::system_error(errno, std::system_category(), "load: epoll_ctl(ADD)");
    if (now_ns() > deadline)
      return fail(fmt::format("only {} of {} connections were made in {} s", connections_.size(), options_.conns,
                              static_cast<double>(nanoseconds(options_.patience)) * 1e-9));
  }
  return true;
}

/// A connected, non-blocking socket, or -1 after fail().
int Generator::connect_one() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::system_error(errno, std::system_category(), "load: socket");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  int error = 0;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&options_.endpoint), sizeof options_.endpoint) < 0) error = errno;
  if (error == EINPROGRESS) {  // loopback: only when the listener's queue is full
    pollfd poll_fd{.fd = fd, .events = POLLOUT, .revents = 0};
    const int ready = ::poll(&poll_fd, 1, static_cast<int>(nanoseconds(options_.patience) / kMillisecond));
    socklen_t size = sizeof error;
    error = ready == 1 ? 0 : ETIMEDOUT;
    if (ready == 1) ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  }
  if (error == 0) return fd;
  ::close(fd);
  fail(fmt::format("connection {} to {} failed: {}{}", connections_.size(), to_string(options_.endpoint),
                   std::system_category().message(error), error == ECONNREFUSED ? " (is the server running?)" : ""));
  return -1;
}

/// Fills every connection's pipeline; the phase ends after `length`.
bool Generator::start_all(std::chrono::nanoseconds length) {
  last_progress_ = now_ns();
  phase_ends_ = last_progress_ + nanoseconds(length);
  for (Connection& connection : connections_)
    if (!connection.start(stream_, now_ns())) return false;
  return true;
}

void Generator::loop() {
  while (turn()) {
    const std::uint64_t now = now_ns();
    advance_phase(now);
    if (phase_ == Phase::Over) return;
    if (cancelled()) {
      result_.cancelled = true;
      return;
    }
    if (now > last_progress_ + nanoseconds(options_.patience)) {
      fail(fmt::format("the server sent nothing for {} s ({} messages had come back)",
                       static_cast<double>(nanoseconds(options_.patience)) * 1e-9, stream_.messages));
      return;
    }
  }
}

/// One wait and everything that it reported. False after an error.
bool Generator::turn() {
  // Long enough not to spin, short enough that a silent server doesn't delay the end of a phase.
  constexpr int kTimeoutMs = 10;
  const std::uint64_t bytes_before = stream_.bytes;
  const int ready = inline_sys::epoll_wait(epoll_fd_, events_.data(), kBatch, kTimeoutMs);
  const bool admit_no_more = draining();
  for (int i = 0; i < ready; ++i) {
    Connection& connection = connections_[events_[i].data.u64];
    if (!connection.on_ready(stream_, admit_no_more)) return false;
  }
  if (stream_.bytes != bytes_before) last_progress_ = now_ns();
  return true;
}

void Generator::advance_phase(std::uint64_t now) {
  switch (phase_) {
    case Phase::WarmUp:
      if (now >= phase_ends_) phase_ = Phase::SettleBefore;
      break;
    case Phase::SettleBefore:
      if (all_idle() && !open_window()) phase_ = Phase::Over;
      break;
    case Phase::Measure:
      if (now >= phase_ends_) phase_ = Phase::SettleAfter;
      break;
    case Phase::SettleAfter:
      if (all_idle()) close_window();
      break;
    case Phase::Over:
      break;
  }
}

bool Generator::open_window() {
  if (options_.on_window_open) options_.on_window_open();
  cpu_at_open_ = thread_cpu_ns();
  window_opened_ = now_ns();
  stream_.in_window = true;
  phase_ = Phase::Measure;
  return start_all(options_.duration);
}

void Generator::close_window() {
  result_.wall_ns = now_ns() - window_opened_;
  result_.cpu_ns = thread_cpu_ns() - cpu_at_open_;
  stream_.in_window = false;
  phase_ = Phase::Over;
  if (options_.on_window_close) options_.on_window_close();
}

bool Generator::all_idle() const {
  for (const Connection& connection : connections_)
    if (!connection.idle()) return false;
  return true;
}

}  // namespace reactorlab::load
