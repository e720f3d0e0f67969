#include "harness/load/loop.hpp"

#include "harness/inline_syscall.hpp"
#include "harness/measure/process_setup.hpp"

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

namespace reactorlab::load {
namespace {

std::uint64_t thread_cpu_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(time.tv_nsec);
}

double seconds(std::chrono::nanoseconds duration) { return static_cast<double>(duration.count()) * 1e-9; }

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

const LoadOptions& checked(const LoadOptions& options) {
  if (options.conns == 0 || options.payload == 0 || options.pipeline == 0)
    throw std::invalid_argument("a load needs at least one connection, one byte and one message in flight");
  const std::size_t conns = options.conns + options.idle;
  measure::require_descriptors(conns + 32, fmt::format("a load of {} connections", conns));
  return options;
}

}  // namespace

LoadResult run_on_its_cpu(const LoadOptions& options, Loop& loop) {
  const Pin pin(options.cpu);
  return loop.run();
}

Loop::Loop(const LoadOptions& options)
    : options_(checked(options)),
      pattern_(options.seed),
      stream_{.pattern = pattern_, .payload = options.payload, .pipeline = options.pipeline},
      epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_fd_ < 0) throw std::system_error(errno, std::system_category(), "load: epoll_create1");
}

Loop::~Loop() { ::close(epoll_fd_); }

LoadResult Loop::run() {
  steps();
  result_.messages_total = stream_.messages;
  result_.bytes_verified = stream_.bytes;
  result_.ops = stream_.ops;
  result_.work_asked = stream_.work_asked;
  result_.latency = std::move(stream_.latency);
  if (!stream_.error.empty()) stop(std::move(stream_.error));
  if (result_.error.empty() && result_.cancelled) result_.error = "interrupted";
  return std::move(result_);
}

bool Loop::stop(std::string error) {
  if (result_.error.empty()) result_.error = std::move(error);
  return false;
}

bool Loop::cancelled() {
  result_.cancelled = options_.cancel != nullptr && options_.cancel->load(std::memory_order_relaxed);
  return result_.cancelled;
}

bool Loop::given_up(std::uint64_t now) {
  if (cancelled()) return true;
  if (now <= last_progress_ + nanoseconds(options_.patience)) return false;
  stop(fmt::format("the server sent nothing for {} s ({} messages had come back)", seconds(options_.patience), stream_.messages));
  return true;
}

bool Loop::turn(int timeout_ms) {
  const std::uint64_t bytes_before = stream_.bytes;
  const int ready = inline_sys::epoll_wait(epoll_fd_, events_.data(), kBatch, timeout_ms);
  if (ready > 0 && !on_events({events_.data(), static_cast<std::size_t>(ready)})) return false;
  if (stream_.bytes != bytes_before) last_progress_ = now_ns();
  return true;
}

void Loop::open_window() {
  if (options_.on_window_open) options_.on_window_open();
  cpu_at_open_ = thread_cpu_ns();
  window_opened_ = now_ns();
  stream_.in_window = true;
}

void Loop::close_window() {
  result_.wall_ns = now_ns() - window_opened_;
  result_.cpu_ns = thread_cpu_ns() - cpu_at_open_;
  stream_.in_window = false;
  if (options_.on_window_close) options_.on_window_close();
}

std::optional<int> Loop::connect(std::size_t number, Ending ending) {
  Dialled dialled = options_.transport == Transport::Unix  ? dial_unix(options_.path)
                    : options_.transport == Transport::Udp ? dial_udp(options_.endpoint)
                                                           : dial(options_.endpoint, ending);
  if (dialled.fd >= 0) return dialled.fd;
  stop(fmt::format("connection {}: {}", number, dialled.error));
  return std::nullopt;
}

void Loop::watch(int fd, std::uint32_t interest, std::uint64_t tag) {
  epoll_event event{};
  event.events = interest | EPOLLET;
  event.data.u64 = tag;
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) < 0)
    throw std::system_error(errno, std::system_category(), "load: epoll_ctl(ADD)");
}

}  // namespace reactorlab::load
