#include "harness/load/loop.hpp"

#include <optional>
#include <vector>

namespace reactorlab::load {
namespace {

/// Connectors that each connect, exchange one message, close, and begin again. Connections end by a reset: an orderly
/// end would leave the port of each in TIME_WAIT for a minute, and a second's worth of connections would use all of
/// them up.
class ChurnLoad final : public Loop {
 public:
  explicit ChurnLoad(const LoadOptions& options) : Loop(options), connectors_(options.conns) { stream_.pipeline = 1; }

 private:
  void steps() override {
    if (!churn_for(options_.warmup)) return;
    open_window();
    if (churn_for(options_.duration)) close_window();
  }

  bool churn_for(std::chrono::nanoseconds length) {
    draining_ = false;
    for (std::size_t i = 0; i < connectors_.size(); ++i)
      if (!begin(i)) return false;
    const std::uint64_t end = now_ns() + nanoseconds(length);
    if (!run_until([&](std::uint64_t now) { return now >= end; })) return false;
    draining_ = true;
    return run_until([&](std::uint64_t) { return open_ == 0; });
  }

  /// Each connection is one more for the table of bytes, so that what belongs to another one is wrong here.
  bool begin(std::size_t connector) {
    const std::uint64_t now = now_ns();
    const std::size_t number = begun_++;
    const auto fd = connect(number, Ending::Reset);
    if (!fd) return false;
    Connection& connection = connectors_[connector].emplace(*fd, number, stream_);
    ++open_;
    if (!connection.start(stream_, now)) return false;
    watch(*fd, EPOLLIN | EPOLLRDHUP | (connection.sending() ? EPOLLOUT : 0U), connector);
    return true;
  }

  bool on_events(std::span<const epoll_event> events) override {
    for (const epoll_event& event : events)
      if (!on_event(event.data.u64)) return false;
    return true;
  }

  /// A descriptor is reported at most once per wait, and a connector has one: no later event of the batch is for the
  /// connection that begins here.
  bool on_event(std::size_t connector) {
    std::optional<Connection>& connection = connectors_[connector];
    constexpr bool one_message_only = true;
    if (!connection->on_ready(stream_, one_message_only)) return false;
    if (!connection->idle()) return true;
    connection.reset();
    --open_;
    return draining_ || begin(connector);
  }

  std::vector<std::optional<Connection>> connectors_;
  std::size_t open_ = 0;
  std::size_t begun_ = 0;
};

}  // namespace

LoadResult run_churn(const LoadOptions& options) {
  ChurnLoad load(options);
  return run_on_its_cpu(options, load);
}

}  // namespace reactorlab::load
