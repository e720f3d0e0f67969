#pragma once

#include "harness/bench/entry.hpp"

#include <cstdint>
#include <future>
#include <thread>

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace reactorlab::bench {

/// For tests: an engine that serves on a thread of this process until it is stopped.
class ThreadServer {
 public:
  explicit ThreadServer(const Entry& entry) : stop_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    std::promise<std::uint16_t> ready;
    auto port = ready.get_future();
    thread_ = std::thread([this, entry, &ready] {
      report_ = make_engine(entry.impl)
                    ->serve({.backend = entry.backend,
                             .locking = entry.locking,
                             .ablation = entry.ablation,
                             .workers = entry.workers,
                             .stop_fd = stop_fd_,
                             .on_ready = [&](std::uint16_t p) { ready.set_value(p); }});
    });
    port_ = port.get();
  }
  ~ThreadServer() {
    stop();
    ::close(stop_fd_);
  }
  ThreadServer(const ThreadServer&) = delete;
  ThreadServer& operator=(const ThreadServer&) = delete;

  ServeReport stop() {
    if (!thread_.joinable()) return report_;
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(stop_fd_, &one, sizeof one), static_cast<ssize_t>(sizeof one));
    thread_.join();
    return report_;
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  int stop_fd_;
  std::uint16_t port_ = 0;
  ServeReport report_;
  std::thread thread_;
};

}  // namespace reactorlab::bench
