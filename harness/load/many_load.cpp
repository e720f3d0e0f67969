#include "harness/load/many_load.hpp"

#include <algorithm>

namespace reactorlab::load {

ManyLoad::ManyLoad(const LoadOptions& options, std::size_t most) : Loop(options) { connections_.reserve(most); }

bool ManyLoad::open_up_to(std::size_t count, std::uint32_t more) {
  constexpr std::size_t kBurst = 32;
  draining_ = true;
  while (connections_.size() < count)
    if (!open_some(std::min(connections_.size() + kBurst, count), more)) return false;
  return true;
}

bool ManyLoad::open_some(std::size_t count, std::uint32_t more) {
  const std::size_t first = connections_.size();
  while (connections_.size() < count) {
    const auto fd = connect(connections_.size(), Ending::Reset);
    if (!fd) return false;
    Connection& connection = connections_.emplace_back(*fd, connections_.size(), stream_);
    if (!connection.start(stream_, now_ns())) return false;
    watch(*fd, EPOLLIN | EPOLLRDHUP | more | (connection.sending() ? EPOLLOUT : 0U), connections_.size() - 1);
  }
  return run_until([&](std::uint64_t) { return all_idle(std::span(connections_).subspan(first)); });
}

bool ManyLoad::on_events(std::span<const epoll_event> events) {
  for (const epoll_event& event : events)
    if (!connections_[event.data.u64].on_ready(stream_, draining_)) return false;
  return true;
}

}  // namespace reactorlab::load
