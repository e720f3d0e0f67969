#include "harness/load/loop.hpp"

#include "harness/inline_syscall.hpp"
#include "harness/measure/pin.hpp"
#include "harness/measure/process_setup.hpp"

#include <cerrno>
#include <stdexcept>
#include <system_error>

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

const LoadOptions& checked(const LoadOptions& options) {
  if (options.conns == 0 || options.payload == 0 || options.pipeline == 0)
    throw std::invalid_argument("a load needs at least one connection, one byte and one message in flight");
  const std::size_t conns = options.conns + options.idle;
  measure::require_descriptors(conns + 32, fmt::format("a load of {} connections", conns));
  return options;
}

}  // namespace

LoadResult run_on_its_cpu(const LoadOptions& options, Loop& loop) {
  const measure::Pin pin(options.cpu);
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
  if (result_.wall_ns > 0) result_.mean_in_flight = in_flight_ns_ / static_cast<double>(result_.wall_ns);
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

/// Between two looks the number is taken to change evenly.
void Loop::count_in_flight(std::uint64_t now) {
  const std::uint64_t in_flight = stream_.admitted > stream_.messages ? stream_.admitted - stream_.messages : 0;
  if (stream_.in_window) in_flight_ns_ += static_cast<double>(in_flight_ + in_flight) / 2 * static_cast<double>(now - last_look_);
  in_flight_ = in_flight;
  last_look_ = now;
}

void Loop::open_window() {
  if (options_.on_window_open) options_.on_window_open();
  cpu_at_open_ = thread_cpu_ns();
  window_opened_ = now_ns();
  count_in_flight(window_opened_);
  stream_.in_window = true;
}

void Loop::close_window() {
  const std::uint64_t closed = now_ns();
  count_in_flight(closed);
  result_.wall_ns = closed - window_opened_;
  result_.cpu_ns = thread_cpu_ns() - cpu_at_open_;
  stream_.in_window = false;
  if (options_.on_window_close) options_.on_window_close();
}

std::optional<int> Loop::connect(std::size_t number, Ending ending) {
  Dialled dialled = options_.to_itself                    ? dial_itself()
                    : options_.transport == Transport::Unix ? dial_unix(options_.path)
                    : options_.transport == Transport::Udp  ? dial_udp(options_.endpoint)
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
