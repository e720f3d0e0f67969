// TCP over loopback, 64 B at a time.

#include "core/fd.hpp"
#include "harness/loopback_listener.hpp"
#include "harness/primitives/catalogue.hpp"
#include "harness/primitives/require.hpp"

#include <array>
#include <cstddef>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace reactorlab::primitives {
namespace {

constexpr std::size_t kMessage = 64;

struct Connection {
  std::array<UniqueFd, 2> ends;
};

/// As many connections as an echo server has in the usual cell. Both ends are registered with epoll, like a server's and a
/// generator's, so that a message that comes in puts its descriptor into a ready list. One thread does it all, and nobody is
/// blocked: whoever has to be woken costs extra.
class Connections {
 public:
  Connections() {
    const LoopbackListener listener("bench calibrate", 0, static_cast<int>(all_.size()), 0);
    for (Connection& one : all_) {
      one.ends[0] = connected_to(listener.port());
      const int fd = ::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC);
      one.ends[1] = UniqueFd{static_cast<int>(require(fd < 0 ? -errno : fd, "accept4"))};
      for (const UniqueFd& end : one.ends) prepare(end.get());
    }
  }

  /// A message on each of them, from the ends on this side.
  void send_from(int side) {
    for (const Connection& one : all_)
      if (require(sys::send(one.ends[side].get(), bytes_.data(), kMessage), "send") != kMessage)
        throw std::runtime_error("send took part of a message only");
  }

  /// The message that waits on each.
  void receive_at(int side) {
    for (const Connection& one : all_)
      if (require(sys::recv(one.ends[side].get(), bytes_.data(), kMessage), "recv") != kMessage)
        throw std::runtime_error("recv brought part of a message only");
  }

  /// Takes what became ready out of the list.
  void forget_events() {
    std::array<epoll_event, 128> events;
    while (require(sys::epoll_wait(epoll_.get(), events.data(), events.size(), 0), "epoll_wait") > 0) {
    }
  }

  [[nodiscard]] std::size_t size() const { return all_.size(); }

 private:
  static UniqueFd connected_to(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    UniqueFd socket{static_cast<int>(require(fd < 0 ? -errno : fd, "socket"))};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    require(sys::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
    return socket;
  }

  void prepare(int fd) {
    const int on = 1;
    require(sys::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "setsockopt TCP_NODELAY");
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.fd = fd}};
    require(sys::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  }

  UniqueFd epoll_{static_cast<int>(require(sys::epoll_create(), "epoll_create1"))};
  std::array<Connection, 64> all_;
  std::array<std::byte, kMessage> bytes_{};
};

/// Messages go to and fro, so that acknowledgements travel with them as they do in an echo.
template <bool kSend>
class Transfer final : public Trial {
 public:
  Batch measure() override {
    const double sent_ns = timed([&] { connections_.send_from(side_); });
    side_ = 1 - side_;
    const double received_ns = timed([&] { connections_.receive_at(side_); });
    connections_.forget_events();
    return {connections_.size(), kSend ? sent_ns : received_ns, std::nullopt};
  }

 private:
  template <class Work>
  static double timed(Work work) {
    const Stopwatch watch;
    work();
    return watch.ns();
  }

  Connections connections_;
  int side_ = 0;
};

template <bool kSend>
std::unique_ptr<Trial> transfer(const Cpus&) {
  return std::make_unique<Transfer<kSend>>();
}

}  // namespace

std::vector<Known> socket_trials() {
  return {
      {"tcp_send", "send of 64 B over loopback; the receiver's half of the kernel's work (softirq) is in it", transfer<true>},
      {"tcp_receive", "read of 64 B that have come in", transfer<false>},
  };
}

}  // namespace reactorlab::primitives
