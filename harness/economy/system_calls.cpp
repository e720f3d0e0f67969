#include "harness/economy/system_calls.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>

namespace {

constexpr std::size_t ops = static_cast<std::size_t>(reactorlab::sys::Op::writev) + 1;  // the last one

std::array<std::atomic<std::uint64_t>, ops> calls_by_op{};

void count(reactorlab::sys::Op op) noexcept { calls_by_op[static_cast<std::size_t>(op)].fetch_add(1, std::memory_order_relaxed); }

}  // namespace

#if !REACTORLAB_SANITIZED && defined(__x86_64__)
extern "C" long syscall(long number, ...) noexcept {
  count(reactorlab::sys::Op::futex);
  va_list list;
  va_start(list, number);
  long a[6];
  for (long& argument : a) argument = va_arg(list, long);
  va_end(list);
  const long result = reactorlab::sys::raw(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
  return -1;
}
#endif

namespace reactorlab::economy {
namespace {

using sys::Op;

/// In place for good: a worker may be inside a call when a test ends.
class Counter final : public sys::Script {
 public:
  Counter() { sys::script.store(this); }
  long on_call(sys::Call& call, long (*kernel)(const void*, const sys::Call&), const void* context) noexcept override {
    if (call.op != Op::ring_completion && call.op != Op::ring_submission) count(call.op);  // which are none
    return kernel(context, call);
  }
};

void begin_counting() {
  static Counter& counter = *new Counter;
  (void)counter;
}

std::string name_of(Op op) {
  switch (op) {
    case Op::accept4: return "accept4";
    case Op::bind: return "bind";
    case Op::clone: return "clone";
    case Op::close: return "close";
    case Op::connect: return "connect";
    case Op::epoll_create1: return "epoll_create1";
    case Op::epoll_ctl: return "epoll_ctl";
    case Op::epoll_wait: return "epoll_wait";
    case Op::eventfd: return "eventfd";
    case Op::fcntl: return "fcntl";
    case Op::futex: return "futex";
    case Op::getpeername: return "getpeername";
    case Op::getsockname: return "getsockname";
    case Op::getsockopt: return "getsockopt";
    case Op::listen: return "listen";
    case Op::lstat: return "lstat";
    case Op::mmap: return "mmap";
    case Op::mprotect: return "mprotect";
    case Op::munmap: return "munmap";
    case Op::poll: return "poll";
    case Op::read: return "read";
    case Op::readv: return "readv";
    case Op::recv: return "recv";
    case Op::recvfrom: return "recvfrom";
    case Op::ring_completion: return "ring_completion";
    case Op::ring_submission: return "ring_submission";
    case Op::send: return "send";
    case Op::sendmsg: return "sendmsg";
    case Op::sendto: return "sendto";
    case Op::setsockopt: return "setsockopt";
    case Op::shutdown: return "shutdown";
    case Op::socket: return "socket";
    case Op::socketpair: return "socketpair";
    case Op::unlink: return "unlink";
    case Op::write: return "write";
    case Op::writev: return "writev";
  }
  return "?";
}

}  // namespace

std::uint64_t system_calls() {
  begin_counting();
  std::uint64_t sum = 0;
  for (const auto& calls : calls_by_op) sum += calls.load();
  return sum;
}

CallsByName system_calls_by_name() {
  begin_counting();
  CallsByName calls;
  for (std::size_t op = 0; op < ops; ++op)
    if (const std::uint64_t n = calls_by_op[op].load()) calls[name_of(static_cast<Op>(op))] = n;
  return calls;
}

CallsByName between(const CallsByName& before, const CallsByName& after) {
  CallsByName difference;
  for (const auto& [name, n] : after) {
    const auto found = before.find(name);
    if (const std::uint64_t more = n - (found == before.end() ? 0 : found->second)) difference[name] = more;
  }
  return difference;
}

}  // namespace reactorlab::economy
