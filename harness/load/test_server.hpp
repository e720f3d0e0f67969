#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <set>
#include <string_view>
#include <thread>
#include <vector>

namespace reactorlab::load {

/// What a TestServer does wrong from the hundredth piece on that it reads.
enum class Fault { None, Corrupt, Drop, Duplicate, Reorder, Surplus, Silence, Close };

[[nodiscard]] std::string_view name_of(Fault fault);

/// A plain blocking echo server with one thread for each connection, right or deliberately broken: the load generator's
/// own test. Destroying it closes every connection. Threads of connections that ended are joined when it is destroyed.
class TestServer {
 public:
  explicit TestServer(Fault fault);
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::uint64_t connections() const noexcept { return connections_; }
  [[nodiscard]] std::uint64_t bytes_echoed() const noexcept { return bytes_echoed_; }

 private:
  void accept_loop();
  void serve(int fd);
  void echo(int fd);
  bool send_all(int fd, const char* data, std::size_t size);
  bool answer(int fd, std::vector<char>& piece, bool faulty);

  const Fault fault_;
  int listener_;
  std::uint16_t port_ = 0;
  std::atomic<std::uint64_t> bytes_echoed_ = 0;
  std::atomic<std::uint64_t> connections_ = 0;
  std::atomic<int> pieces_ = 0;
  std::mutex mutex_;
  std::set<int> fds_;                 // open ones, guarded by mutex_
  std::vector<std::thread> threads_;  // guarded by mutex_
  std::thread acceptor_;
};

}  // namespace reactorlab::load
