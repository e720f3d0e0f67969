#pragma once
// The kernel seam: every syscall of the library, and nothing else calls the kernel. Results are >= 0 or -errno; EINTR is
// returned, not hidden (whoever calls knows whether to retry), but for poll_now().
//
// Issued inline where that is possible: libc's read and write are cancellation points and cost about 100 instructions each
// once a process has had a second thread. Sanitizer builds go through libc, whose interceptors they need.

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "core/error.hpp"
#include "core/flavour.hpp"
#include "core/mutation.hpp"
#include "core/sync.hpp"

namespace reactorlab::sys {

enum class Op : std::uint8_t {
  accept4,
  bind,
  clone,  ///< a thread
  close,
  connect,
  epoll_create1,
  epoll_ctl,
  epoll_wait,
  eventfd,
  fcntl,
  futex,
  getpeername,
  getsockname,
  getsockopt,
  listen,
  lstat,
  mmap,
  mprotect,
  munmap,
  poll,
  read,
  readv,
  recv,
  recvfrom,
  ring_completion,  ///< one is about to be looked at
  ring_submission,  ///< an entry is about to be queued
  send,
  sendmsg,
  sendto,
  setsockopt,
  shutdown,
  socket,
  socketpair,
  unlink,
  write,
  writev,
};

/// One syscall on its way to the kernel, as a script sees it.
struct Call {
  Op op;
  int fd;
  void* data = nullptr;  ///< the buffer, epoll_event(s), msghdr, iovec, path or address of the call
  std::size_t size = 0;  ///< bytes or entries; a script may lower it before it lets a transfer or a wait through
  long extra = 0;        ///< epoll_ctl: the descriptor; epoll_wait: the timeout in ms; fcntl: the command
  int command = 0;       ///< epoll_ctl: ADD, MOD or DEL
};

#if REACTORLAB_INSTRUMENTED
/// A test's say in every syscall: answer it, change its size, or let it through. Any thread may call at any time.
class Script {
 public:
  virtual ~Script() = default;
  /// `kernel(context, call)` makes the real call with call.size and call.extra as they are then.
  virtual long on_call(Call& call, long (*kernel)(const void* context, const Call&), const void* context) noexcept = 0;
};
extern std::atomic<Script*> script;
#endif

template <class Kernel>
[[gnu::always_inline]] inline long issue([[maybe_unused]] Call call, Kernel&& kernel) noexcept {
#if REACTORLAB_INSTRUMENTED
  if (auto* s = script.load(std::memory_order_acquire)) {
    auto trampoline = [](const void* context, const Call& c) -> long {
      return (*static_cast<const std::remove_reference_t<Kernel>*>(context))(c);
    };
    return s->on_call(call, trampoline, &kernel);
  }
#endif
  return kernel(call);
}

#if REACTORLAB_LIBC_SYSCALLS
inline long checked(long result) noexcept { return result < 0 ? -errno : result; }
#define REACTORLAB_KERNEL(libc_call, number, ...) checked(libc_call)
#else
// Only the registers that a call has arguments for are written.
inline long raw(long number, long a = 0, long b = 0, long c = 0) noexcept {
  long result;
  asm volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}
inline long raw(long number, long a, long b, long c, long d) noexcept {
  long result;
  register long r10 asm("r10") = d;
  asm volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return result;
}
inline long raw(long number, long a, long b, long c, long d, long e, long f = 0) noexcept {
  long result;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
}
inline long word(const void* pointer) noexcept { return reinterpret_cast<long>(pointer); }
inline long word(std::size_t value) noexcept { return static_cast<long>(value); }
inline long word(long value) noexcept { return value; }
inline long word(int value) noexcept { return value; }
inline long word(unsigned value) noexcept { return static_cast<long>(value); }
template <class... Args>
[[gnu::always_inline]] inline long enter(long number, Args... args) noexcept {
  return raw(number, word(args)...);
}
#define REACTORLAB_KERNEL(libc_call, number, ...) enter(number __VA_OPT__(, ) __VA_ARGS__)
#endif

// --- transfer ---------------------------------------------------------------------------------------------------------

/// Without flags it is issued as read(2), which is the same for a socket and has three arguments instead of six.
[[gnu::always_inline]] inline long recv(int fd, void* data, std::size_t size) noexcept {
  return issue({Op::recv, fd, data, size},
               [=](const Call& c) { return REACTORLAB_KERNEL(::recv(fd, data, c.size, 0), SYS_read, fd, data, c.size); });
}

inline long recv(int fd, void* data, std::size_t size, int flags) noexcept {
  return issue({Op::recv, fd, data, size}, [=](const Call& c) {
    return REACTORLAB_KERNEL(::recv(fd, data, c.size, flags), SYS_recvfrom, fd, data, c.size, flags, 0, 0);
  });
}

/// For every write to a socket: a dead peer is a result, never a SIGPIPE.
[[gnu::always_inline]] inline int quietly() noexcept {
  if (mutated(Mutant::sigpipe_not_suppressed)) return 0;
  return MSG_NOSIGNAL;
}

[[gnu::always_inline]] inline long send(int fd, const void* data, std::size_t size) noexcept {
  return issue({Op::send, fd, const_cast<void*>(data), size}, [=](const Call& c) {
    return REACTORLAB_KERNEL(::send(fd, data, c.size, quietly()), SYS_sendto, fd, data, c.size, quietly(), 0, 0);
  });
}

/// writev on a socket that raises no SIGPIPE: sendmsg.
inline long send_vector(int fd, const iovec* parts, std::size_t count) noexcept {
  return issue({Op::sendmsg, fd, const_cast<iovec*>(parts), count}, [=](const Call& c) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts);
    message.msg_iovlen = c.size;
    return REACTORLAB_KERNEL(::sendmsg(fd, &message, quietly()), SYS_sendmsg, fd, &message, quietly());
  });
}

/// `from` may be null. With MSG_TRUNC the result is the size that the datagram was sent with, however little of it fits.
inline long recvfrom(int fd, void* data, std::size_t size, int flags, sockaddr* from, socklen_t* from_size) noexcept {
  return issue({Op::recvfrom, fd, data, size}, [=](const Call& c) {
    return REACTORLAB_KERNEL(::recvfrom(fd, data, c.size, flags, from, from_size), SYS_recvfrom, fd, data, c.size, flags, from,
                             from_size);
  });
}

inline long sendto(int fd, const void* data, std::size_t size, const sockaddr* to, socklen_t to_size) noexcept {
  return issue({Op::sendto, fd, const_cast<void*>(data), size}, [=](const Call& c) {
    return REACTORLAB_KERNEL(::sendto(fd, data, c.size, quietly(), to, to_size), SYS_sendto, fd, data, c.size, quietly(), to,
                             to_size);
  });
}

inline long read(int fd, void* data, std::size_t size) noexcept {
  return issue({Op::read, fd, data, size},
               [=](const Call& c) { return REACTORLAB_KERNEL(::read(fd, data, c.size), SYS_read, fd, data, c.size); });
}

inline long write(int fd, const void* data, std::size_t size) noexcept {
  return issue({Op::write, fd, const_cast<void*>(data), size},
               [=](const Call& c) { return REACTORLAB_KERNEL(::write(fd, data, c.size), SYS_write, fd, data, c.size); });
}

/// write() to a pipe whose reader is gone without SIGPIPE, for which there is no flag: the signal is blocked meanwhile, and taken
/// back if it is ours. Three syscalls more; sockets use send().
long write_quietly(int fd, const void* data, std::size_t size) noexcept;

// --- readiness --------------------------------------------------------------------------------------------------------

inline long epoll_create() noexcept {
  const int flags = mutated(Mutant::epoll_inherited) ? 0 : EPOLL_CLOEXEC;
  return issue({Op::epoll_create1, -1},
               [=](const Call&) { return REACTORLAB_KERNEL(::epoll_create1(flags), SYS_epoll_create1, flags); });
}

inline long epoll_ctl(int epoll, int command, int fd, epoll_event* event) noexcept {
  return issue({Op::epoll_ctl, epoll, event, 1, fd, command}, [=](const Call&) {
    return REACTORLAB_KERNEL(::epoll_ctl(epoll, command, fd, event), SYS_epoll_ctl, epoll, command, fd, event);
  });
}

/// `timeout_ms` -1 waits without limit.
inline long epoll_wait(int epoll, epoll_event* events, std::size_t capacity, int timeout_ms) noexcept {
  return issue({Op::epoll_wait, epoll, events, capacity, timeout_ms}, [=](const Call& c) {
    return REACTORLAB_KERNEL(::epoll_wait(epoll, events, static_cast<int>(c.size), static_cast<int>(c.extra)), SYS_epoll_wait,
                             epoll, events, c.size, c.extra);
  });
}

inline long eventfd() noexcept {
  return issue({Op::eventfd, -1}, [](const Call&) {
    return REACTORLAB_KERNEL(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), SYS_eventfd2, 0, int{EFD_NONBLOCK | EFD_CLOEXEC});
  });
}

/// The state of one descriptor now. Never waits, so it is asked again after EINTR, which a pending signal may cause all the same.
inline long poll_now(pollfd* entry) noexcept {
  long n;
  do
    n = issue({Op::poll, entry->fd, entry, 1},
              [=](const Call&) { return REACTORLAB_KERNEL(::poll(entry, 1, 0), SYS_poll, entry, 1, 0); });
  while (n == -EINTR);
  return n;
}

// --- sockets ----------------------------------------------------------------------------------------------------------

inline long socket(int family, int type, int protocol = 0) noexcept {
  return issue({Op::socket, -1}, [=](const Call&) {
    return REACTORLAB_KERNEL(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol), SYS_socket, family,
                             type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  });
}

/// Two connected Unix sockets.
inline long socketpair(int type, int (&pair)[2]) noexcept {
  int* const fds = pair;
  return issue({Op::socketpair, -1}, [=](const Call&) {
    return REACTORLAB_KERNEL(::socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), SYS_socketpair, int{AF_UNIX},
                             type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds);
  });
}

/// The accepted socket is non-blocking and close-on-exec.
inline long accept(int fd, sockaddr* peer = nullptr, socklen_t* size = nullptr) noexcept {
  const int flags = mutated(Mutant::accepted_without_flags) ? 0 : SOCK_NONBLOCK | SOCK_CLOEXEC;
  return issue({Op::accept4, fd, peer}, [=](const Call&) {
    return REACTORLAB_KERNEL(::accept4(fd, peer, size, flags), SYS_accept4, fd, peer, size, flags);
  });
}

inline long connect(int fd, const sockaddr* peer, socklen_t size) noexcept {
  return issue({Op::connect, fd},
               [=](const Call&) { return REACTORLAB_KERNEL(::connect(fd, peer, size), SYS_connect, fd, peer, size); });
}

inline long bind(int fd, const sockaddr* local, socklen_t size) noexcept {
  return issue({Op::bind, fd}, [=](const Call&) { return REACTORLAB_KERNEL(::bind(fd, local, size), SYS_bind, fd, local, size); });
}

inline long listen(int fd, int backlog) noexcept {
  return issue({Op::listen, fd}, [=](const Call&) { return REACTORLAB_KERNEL(::listen(fd, backlog), SYS_listen, fd, backlog); });
}

inline long shutdown(int fd, int how) noexcept {
  return issue({Op::shutdown, fd}, [=](const Call&) { return REACTORLAB_KERNEL(::shutdown(fd, how), SYS_shutdown, fd, how); });
}

inline long getsockopt(int fd, int level, int name, void* value, socklen_t* size) noexcept {
  return issue({Op::getsockopt, fd}, [=](const Call&) {
    return REACTORLAB_KERNEL(::getsockopt(fd, level, name, value, size), SYS_getsockopt, fd, level, name, value, size);
  });
}

inline long setsockopt(int fd, int level, int name, const void* value, socklen_t size) noexcept {
  return issue({Op::setsockopt, fd}, [=](const Call&) {
    return REACTORLAB_KERNEL(::setsockopt(fd, level, name, value, size), SYS_setsockopt, fd, level, name, value, size);
  });
}

inline long getsockname(int fd, sockaddr* local, socklen_t* size) noexcept {
  return issue({Op::getsockname, fd},
               [=](const Call&) { return REACTORLAB_KERNEL(::getsockname(fd, local, size), SYS_getsockname, fd, local, size); });
}

inline long getpeername(int fd, sockaddr* peer, socklen_t* size) noexcept {
  return issue({Op::getpeername, fd},
               [=](const Call&) { return REACTORLAB_KERNEL(::getpeername(fd, peer, size), SYS_getpeername, fd, peer, size); });
}

// --- descriptors ------------------------------------------------------------------------------------------------------

inline long close(int fd) noexcept {
  return issue({Op::close, fd}, [=](const Call&) { return REACTORLAB_KERNEL(::close(fd), SYS_close, fd); });
}

inline long fcntl(int fd, int command, long argument = 0) noexcept {
  return issue({Op::fcntl, fd, nullptr, 0, command},
               [=](const Call&) { return REACTORLAB_KERNEL(::fcntl(fd, command, argument), SYS_fcntl, fd, command, argument); });
}

// --- the names of Unix sockets ------------------------------------------------------------------------------------------

/// What a path names, itself: a symbolic link isn't followed.
inline long lstat(const char* path, struct stat* status) noexcept {
  return issue({Op::lstat, -1, const_cast<char*>(path)},
               [=](const Call&) { return REACTORLAB_KERNEL(::lstat(path, status), SYS_lstat, path, status); });
}

inline long unlink(const char* path) noexcept {
  return issue({Op::unlink, -1, const_cast<char*>(path)},
               [=](const Call&) { return REACTORLAB_KERNEL(::unlink(path), SYS_unlink, path); });
}

// --- waiting for a word (never scripted: parking is a sync point, not an answer) ------------------------------------------

/// The calling thread waits its turn instead of preempting others when it is woken (SCHED_BATCH). A hint: a refusal changes
/// nothing.
void prefer_batch_scheduling() noexcept;

#if REACTORLAB_SIMULATED
inline void futex_wait(const Atomic<std::uint32_t>& value, std::uint32_t expected) noexcept {
  simulation::wait_for_word(value, expected, simulation::Schedule::for_ever);
}
inline void futex_wait_for(const Atomic<std::uint32_t>& value, std::uint32_t expected, std::int64_t nanoseconds) noexcept {
  simulation::wait_for_word(value, expected, nanoseconds);
}
inline void futex_wake(const Atomic<std::uint32_t>& value, int count = 1) noexcept { simulation::wake_word(value, count); }
#else
inline void futex_wait(const Atomic<std::uint32_t>& value, std::uint32_t expected) noexcept {
  ::syscall(SYS_futex, &value, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

/// Returns after `nanoseconds` at the latest. The seam sees it, so that a test can tell a rest from a pause.
inline void futex_wait_for(const Atomic<std::uint32_t>& value, std::uint32_t expected, std::int64_t nanoseconds) noexcept {
  const timespec limit{nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
  issue({Op::futex, -1},
        [&](const Call&) -> long { return ::syscall(SYS_futex, &value, FUTEX_WAIT_PRIVATE, expected, &limit, nullptr, 0); });
}

inline void futex_wake(const Atomic<std::uint32_t>& value, int count = 1) noexcept {
  ::syscall(SYS_futex, &value, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}
#endif

// --- address space ----------------------------------------------------------------------------------------------------

/// Reserves addresses without memory behind them; nullptr if there are none left.
inline void* reserve_addresses(std::size_t size) noexcept {
  const long address = issue({Op::mmap, -1, nullptr, size}, [=](const Call&) {
    void* const p = ::mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? -long{errno} : reinterpret_cast<long>(p);
  });
  return address < 0 ? nullptr : reinterpret_cast<void*>(address);
}

inline bool protect(void* address, std::size_t size, int protection) noexcept {
  return issue({Op::mprotect, -1, address, size}, [=](const Call&) { return long{::mprotect(address, size, protection)}; }) == 0;
}

/// Lets reserved addresses be read, as zeros.
inline bool make_readable(void* address, std::size_t size) noexcept { return protect(address, size, PROT_READ); }

/// Puts zeroed memory behind reserved addresses. False if there is none.
inline bool commit_memory(void* address, std::size_t size) noexcept { return protect(address, size, PROT_READ | PROT_WRITE); }

inline void release_addresses(void* address, std::size_t size) noexcept {
  issue({Op::munmap, -1, address, size}, [=](const Call&) { return long{::munmap(address, size)}; });
}

// --- threads ------------------------------------------------------------------------------------------------------------

/// Throws std::system_error with cause and remedy.
template <class Code>
Thread start_thread(Code&& code) {
  const long refused = issue({Op::clone, -1}, [](const Call&) { return 0L; });
  int error = static_cast<int>(-refused);
  try {
    if (error == 0) return Thread{std::forward<Code>(code)};
  } catch (const std::system_error& failed) {
    error = failed.code().value();
  }
  throw_errno(error, "starting a thread", "use fewer workers, or raise the limit of processes (ulimit -u)");
}

#undef REACTORLAB_KERNEL

}  // namespace reactorlab::sys
