#pragma once

#include "harness/engine.hpp"
#include "harness/loopback_listener.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include <sys/epoll.h>

namespace reactorlab::raw_epoll {

/// A connection belongs to the thread that has its event (EPOLLONESHOT) until that thread arms it again.
struct SharedConnection {
  int fd = -1;
  /// Released before it is armed, acquired with its event: what the kernel orders anyway, in the language's terms.
  std::atomic<bool> handed_over{false};
  std::vector<char> unsent;  ///< while there is something, it isn't read
  std::size_t unsent_begin = 0;
  // Guarded by the loop's list.
  SharedConnection* previous = nullptr;
  SharedConnection* next = nullptr;
};

/// One epoll instance, and as many threads as asked that wait with it. Constructing it binds and listens.
class SharedLoop {
 public:
  explicit SharedLoop(const ServeRequest& request);
  ~SharedLoop();
  SharedLoop(const SharedLoop&) = delete;
  SharedLoop& operator=(const SharedLoop&) = delete;

  [[nodiscard]] std::uint16_t port() const { return socket_.port(); }
  /// On the calling thread and `workers - 1` others, until the stop descriptor is readable.
  ServeReport run(unsigned workers);

 private:
  class Worker;

  void add(int fd, std::uint32_t interest, void* source);
  void adopt(SharedConnection& connection);
  void forget(SharedConnection& connection);

  const std::size_t chunk_;
  const int stop_fd_;
  LoopbackListener socket_;
  int epoll_fd_ = -1;
  std::atomic<bool> accept_rests_{
      false};  ///< descriptors or memory ran out: who closes a connection, or wakes after a rest, tries again

  std::mutex connections_mutex_;
  SharedConnection* connections_ = nullptr;  ///< guarded by connections_mutex_
};

}  // namespace reactorlab::raw_epoll
