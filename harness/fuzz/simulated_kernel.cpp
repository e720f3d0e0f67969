#include "harness/fuzz/simulated_kernel.hpp"

#include <algorithm>

#include "harness/fuzz/input.hpp"

namespace reactorlab::fuzz {

SimulatedKernel::SimulatedKernel() { sys::script.store(this); }

SimulatedKernel::~SimulatedKernel() {
  sys::script.store(nullptr);
  demand(files_.empty(), "a descriptor was left open");
}

int SimulatedKernel::open(bool epoll) {
  files_[next_fd_].epoll = epoll;
  return next_fd_++;
}

int SimulatedKernel::open_pipe() { return open(false); }

void SimulatedKernel::close_pipe(int fd) noexcept {
  for (const auto& [number, file] : files_) demand(!file.watched.contains(fd), "a registration was left in the kernel");
  files_.erase(fd);
}

void SimulatedKernel::put(int fd, std::size_t bytes) noexcept {
  simulation::step();
  files_.at(fd).bytes += bytes;
  edge(fd);
}

void SimulatedKernel::edge(int fd) noexcept {
  for (auto& [number, file] : files_) {
    if (file.watched.contains(fd)) become_ready(file, fd);
  }
}

void SimulatedKernel::become_ready(File& epoll, int fd) noexcept {
  if (std::ranges::find(epoll.ready, fd) == epoll.ready.end()) epoll.ready.push_back(fd);
  simulation::schedule->wake(&epoll, 1);
}

long SimulatedKernel::control(File& epoll, const sys::Call& call) noexcept {
  const int fd = static_cast<int>(call.extra);
  const bool known = epoll.watched.contains(fd);
  if (!files_.contains(fd)) return -EBADF;
  if (call.command == EPOLL_CTL_ADD ? known : !known) return known ? -EEXIST : -ENOENT;
  if (call.command == EPOLL_CTL_DEL) {
    epoll.watched.erase(fd);
    std::erase(epoll.ready, fd);
    return 0;
  }
  epoll.watched[fd] = *static_cast<const epoll_event*>(call.data);
  if (files_.at(fd).bytes != 0) become_ready(epoll, fd);
  return 0;
}

long SimulatedKernel::wait(File& epoll, const sys::Call& call) noexcept {
  if (epoll.ready.empty() && call.extra != 0) {
    simulation::schedule->sleep(&epoll, call.extra < 0 ? simulation::Schedule::for_ever : call.extra * 1'000'000);
  }
  auto* const events = static_cast<epoll_event*>(call.data);
  std::size_t n = 0;
  for (; n < call.size && !epoll.ready.empty(); epoll.ready.pop_front()) {
    epoll_event event = epoll.watched.at(epoll.ready.front());
    event.events &= EPOLLIN;
    if (event.events) events[n++] = event;
  }
  return static_cast<long>(n);
}

long SimulatedKernel::on_call(sys::Call& call, long (*kernel)(const void* context, const sys::Call&),
                              const void* context) noexcept {
  simulation::step();
  switch (call.op) {
    case sys::Op::epoll_create1: return open(true);
    case sys::Op::eventfd: return open(false);
    default: break;
  }
  const auto it = files_.find(call.fd);
  if (it == files_.end()) return kernel(context, call);
  File& file = it->second;
  switch (call.op) {
    case sys::Op::epoll_ctl: return control(file, call);
    case sys::Op::epoll_wait: return wait(file, call);
    case sys::Op::close: files_.erase(it); return 0;
    case sys::Op::fcntl: return O_NONBLOCK;
    case sys::Op::getsockopt: return -ENOTSOCK;
    case sys::Op::write:
      ++file.bytes;
      edge(call.fd);
      return static_cast<long>(call.size);
    case sys::Op::read: {
      const std::size_t n = std::min(call.size, file.bytes);
      file.bytes -= n;
      return n == 0 ? -EAGAIN : static_cast<long>(n);
    }
    default: fail("a system call that the simulated kernel doesn't know");
  }
}

}  // namespace reactorlab::fuzz
