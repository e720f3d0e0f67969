#include "harness/load/loop.hpp"

#include <algorithm>
#include <vector>

namespace reactorlab::load {
namespace {

/// Connections that exchange one message each and then only exist.
class IdleLoad final : public Loop {
 public:
  explicit IdleLoad(const LoadOptions& options) : Loop(options) { stream_.pipeline = 1; }

 private:
  void steps() override {
    draining_ = true;
    connections_.reserve(options_.conns);
    if (!open_and_close_one()) return;
    open_window();
    while (connections_.size() < options_.conns)
      if (!open_some()) return;
    close_window();
  }

  /// What a server makes once, at its first connection, isn't a connection's cost.
  bool open_and_close_one() {
    if (!open_up_to(1)) return false;
    connections_.clear();
    first_ = 0;
    return true;
  }

  /// Few at a time, so that a server's buffers are those of a light load and its listen queue never overflows.
  bool open_some() {
    constexpr std::size_t kBurst = 32;
    return open_up_to(std::min(connections_.size() + kBurst, options_.conns));
  }

  bool open_up_to(std::size_t count) {
    first_ = connections_.size();
    while (connections_.size() < count) {
      const auto fd = connect(connections_.size(), Ending::Reset);
      if (!fd) return false;
      Connection& connection = connections_.emplace_back(*fd, connections_.size(), stream_);
      if (!connection.start(stream_, now_ns())) return false;
      watch(*fd, EPOLLIN | EPOLLRDHUP | (connection.sending() ? EPOLLOUT : 0U), connections_.size() - 1);
    }
    return run_until([&](std::uint64_t) {
      return std::all_of(connections_.begin() + static_cast<std::ptrdiff_t>(first_), connections_.end(),
                         [](const Connection& connection) { return connection.idle(); });
    });
  }

  bool on_events(std::span<const epoll_event> events) override {
    for (const epoll_event& event : events)
      if (!connections_[event.data.u64].on_ready(stream_, draining_)) return false;
    return true;
  }

  std::vector<Connection> connections_;
  std::size_t first_ = 0;  ///< of those that are being opened
};

}  // namespace

LoadResult run_idle(const LoadOptions& options) {
  IdleLoad load(options);
  return run_on_its_cpu(options, load);
}

}  // namespace reactorlab::load
