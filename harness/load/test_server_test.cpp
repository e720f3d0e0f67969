#include "harness/load/test_server.hpp"

#include "harness/load/endpoint.hpp"

#include <algorithm>
#include <system_error>

#include <sys/socket.h>
#include <unistd.h>

namespace reactorlab::load {

std::string_view name_of(Fault fault) {
  switch (fault) {
    case Fault::None: return "None";
    case Fault::Corrupt: return "Corrupt";
    case Fault::Drop: return "Drop";
    case Fault::Duplicate: return "Duplicate";
    case Fault::Reorder: return "Reorder";
    case Fault::Surplus: return "Surplus";
    case Fault::Silence: return "Silence";
    case Fault::Close: return "Close";
  }
  return "?";
}

TestServer::TestServer(Fault fault) : fault_(fault), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = loopback_endpoint(0);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 128) != 0)
    throw std::system_error(errno, std::system_category(), "test server: bind or listen");
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_loop(); });
}

TestServer::~TestServer() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : fds_) ::shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();  // nobody adds one any more
  ::close(listener_);
}

void TestServer::accept_loop() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const std::lock_guard lock(mutex_);
    ++connections_;
    fds_.insert(fd);
    threads_.emplace_back([this, fd] { serve(fd); });
  }
}

void TestServer::serve(int fd) {
  echo(fd);
  const std::lock_guard lock(mutex_);
  fds_.erase(fd);
  ::close(fd);
}

void TestServer::echo(int fd) {
  std::vector<char> buffer(std::size_t{64} * 1024);
  for (;;) {
    const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (n <= 0) return;
    std::vector<char> piece(buffer.begin(), buffer.begin() + n);
    if (!answer(fd, piece, fault_ != Fault::None && ++pieces_ >= 100)) return;
  }
}

bool TestServer::answer(int fd, std::vector<char>& piece, bool faulty) {
  if (faulty) {
    switch (fault_) {
      case Fault::None: break;
      case Fault::Corrupt: piece[piece.size() / 2] ^= 1; break;
      case Fault::Drop: piece.erase(piece.begin(), piece.begin() + std::min<std::ptrdiff_t>(64, std::ssize(piece))); break;
      case Fault::Duplicate: piece.insert(piece.begin(), piece[0]), piece.pop_back(); break;
      case Fault::Reorder: std::rotate(piece.begin(), piece.begin() + std::ssize(piece) / 2, piece.end()); break;
      case Fault::Surplus: piece.push_back(piece.back()); break;
      case Fault::Silence: piece.clear(); break;
      case Fault::Close: ::shutdown(fd, SHUT_RDWR); return false;
    }
  }
  bytes_echoed_ += piece.size();
  return send_all(fd, piece.data(), piece.size());
}

bool TestServer::send_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::send(fd, data, size, MSG_NOSIGNAL);
    if (n <= 0) return false;
    data += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace reactorlab::load
