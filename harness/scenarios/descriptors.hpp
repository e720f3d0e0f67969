#pragma once
// Descriptors that workloads inside the process wait for, and how they become readable without a runtime.

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <span>

#include "core/error.hpp"
#include "core/fd.hpp"

namespace reactorlab::scenarios {

inline constexpr const char* more_files = "raise the limit of open files: ulimit -n";

/// Throws std::system_error.
inline int make_eventfd(int flags = 0) {
  const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC | flags);
  if (fd < 0) throw_errno(errno, "eventfd", more_files);
  return fd;
}

/// A fault for tests: of the values that are put from now on, the one of that number becomes another one. 0: none. It costs
/// everybody a load beside a system call.
inline std::atomic<std::uint32_t> spoiled_put{0};

/// Writes eight bytes to an eventfd or a pipe. What isn't written isn't read: the reader counts.
inline void put(int fd, std::uint64_t value) noexcept {
  if (spoiled_put.load(std::memory_order_relaxed) != 0 && spoiled_put.fetch_sub(1, std::memory_order_relaxed) == 1) ++value;
  (void)!::write(fd, &value, sizeof value);
}

/// Reads eight bytes; nothing if there are none. REQUIRES a non-blocking descriptor.
inline std::optional<std::uint64_t> get(int fd) noexcept {
  std::uint64_t value = 0;
  return ::read(fd, &value, sizeof value) == sizeof value ? std::optional{value} : std::nullopt;
}

inline std::span<std::byte> bytes_of(std::uint64_t& value) noexcept { return std::as_writable_bytes(std::span{&value, 1}); }

/// Two ends of something, non-blocking: of a pipe, what is written to `second` is read from `first`.
struct Ends {
  UniqueFd first, second;
};

/// Throws std::system_error.
inline Ends make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_NONBLOCK | O_CLOEXEC) != 0) throw_errno(errno, "pipe2", more_files);
  return {UniqueFd{fds[0]}, UniqueFd{fds[1]}};
}

/// A Unix stream's two ends. Throws std::system_error.
inline Ends make_socketpair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) throw_errno(errno, "socketpair", more_files);
  return {UniqueFd{fds[0]}, UniqueFd{fds[1]}};
}

}  // namespace reactorlab::scenarios
