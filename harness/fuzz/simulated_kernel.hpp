#pragma once
// As much of the kernel as a reactor and its readers need: epolls, eventfds, and pipes whose other end is the test's.
// Edge-triggered as the real one: every write is an edge, and registering or widening reports what is ready then. Descriptors are
// numbers that the real kernel never gives out.

#include <cstdint>
#include <deque>
#include <map>

#include "core/sys.hpp"

namespace reactorlab::fuzz {

class SimulatedKernel final : public sys::Script {
 public:
  /// Installed until destroyed, when the runtime must have closed all that is its own.
  SimulatedKernel();
  ~SimulatedKernel() override;
  SimulatedKernel(const SimulatedKernel&) = delete;
  SimulatedKernel& operator=(const SimulatedKernel&) = delete;

  /// A pipe's reading end, which never blocks. The test closes it with close_pipe(), after the runtime has forgotten it.
  int open_pipe();
  void close_pipe(int fd) noexcept;
  void put(int fd, std::size_t bytes) noexcept;
  std::size_t unread(int fd) const { return files_.at(fd).bytes; }

  long on_call(sys::Call& call, long (*kernel)(const void* context, const sys::Call&), const void* context) noexcept override;

 private:
  struct File {
    bool epoll = false;
    std::size_t bytes = 0;
    std::map<int, epoll_event> watched;  // epoll: by descriptor
    std::deque<int> ready;               // epoll: with an edge that hasn't been reported
  };

  int open(bool epoll);
  void edge(int fd) noexcept;
  void become_ready(File& epoll, int fd) noexcept;
  long control(File& epoll, const sys::Call& call) noexcept;
  long wait(File& epoll, const sys::Call& call) noexcept;

  std::map<int, File> files_;
  int next_fd_ = 1'000'000'000;
};

}  // namespace reactorlab::fuzz
