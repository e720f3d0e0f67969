#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/// The three system calls of an echo loop, issued in line. glibc's recv, send and epoll_wait are cancellation points:
/// once a process has a second thread they cost about 100 instructions per message, more than the rest of a
/// hand-written loop. Every function returns >= 0 or -errno and leaves errno alone.
///
/// REACTORLAB_LIBC_SYSCALLS selects libc instead (sanitizers see only those); other architectures always take libc.
namespace reactorlab::inline_sys {

#if defined(__x86_64__) && !defined(REACTORLAB_LIBC_SYSCALLS)

[[gnu::always_inline]] inline long syscall6(long number, long a, long b, long c, long d, long e, long f) noexcept {
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  long result;
  asm volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
}

[[gnu::always_inline]] inline long syscall4(long number, long a, long b, long c, long d) noexcept {
  register long r10 asm("r10") = d;
  long result;
  asm volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return result;
}

// A receive without flags is read(2), as core issues it: three arguments instead of six.
[[gnu::always_inline]] inline long recv(int fd, void* data, std::size_t size) noexcept {
  long result;
  asm volatile("syscall" : "=a"(result) : "a"(SYS_read), "D"(fd), "S"(data), "d"(size) : "rcx", "r11", "memory");
  return result;
}

[[gnu::always_inline]] inline long send(int fd, const void* data, std::size_t size) noexcept {
  return syscall6(SYS_sendto, fd, reinterpret_cast<long>(data), static_cast<long>(size), MSG_NOSIGNAL, 0, 0);
}

[[gnu::always_inline]] inline int epoll_wait(int fd, epoll_event* events, int capacity, int timeout_ms) noexcept {
  return static_cast<int>(syscall4(SYS_epoll_wait, fd, reinterpret_cast<long>(events), capacity, timeout_ms));
}

#else

inline long recv(int fd, void* data, std::size_t size) noexcept {
  const ssize_t n = ::recv(fd, data, size, 0);
  return n < 0 ? -errno : n;
}

inline long send(int fd, const void* data, std::size_t size) noexcept {
  const ssize_t n = ::send(fd, data, size, MSG_NOSIGNAL);
  return n < 0 ? -errno : n;
}

inline int epoll_wait(int fd, epoll_event* events, int capacity, int timeout_ms) noexcept {
  const int n = ::epoll_wait(fd, events, capacity, timeout_ms);
  return n < 0 ? -errno : n;
}

#endif

}  // namespace reactorlab::inline_sys
