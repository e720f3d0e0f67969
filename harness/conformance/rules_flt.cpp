// FLT: interrupted system calls, and transfers of one byte.

#include <sys/stat.h>

#include <array>
#include <atomic>
#include <bitset>

#include "harness/conformance/broad_scenario.hpp"
#include "harness/conformance/kit.hpp"

namespace reactorlab::conformance {
namespace {

/// Those that may be interrupted and are then to be repeated; so not close().
constexpr sys::Op interruptible[] = {
    sys::Op::accept4,  sys::Op::connect, sys::Op::epoll_wait, sys::Op::poll,   sys::Op::read,  sys::Op::recv,
    sys::Op::recvfrom, sys::Op::send,    sys::Op::sendmsg,    sys::Op::sendto, sys::Op::write,
};

/// Interrupts every k-th of these calls before it has done anything. A repetition isn't counted: on each thread the next call of
/// that kind goes through.
class Storm {
 public:
  Storm(Script& script, unsigned k) : k_{k}, storm_{storms_.fetch_add(1) + 1} {
    for (const sys::Op op : interruptible) {
      script.on(op, Script::any_fd, [this](sys::Call& call) { return strike(call.op); });
    }
  }
  bool struck(sys::Op op) const noexcept { return struck_ >> index(op) & 1; }

 private:
  static unsigned index(sys::Op op) noexcept { return static_cast<unsigned>(op); }

  std::optional<long> strike(sys::Op op) noexcept {
    struct Mine {
      unsigned storm = 0;
      std::bitset<64> interrupted;
    };
    static thread_local Mine mine;
    if (mine.storm != storm_) mine = {storm_, {}};
    if (mine.interrupted[index(op)]) {
      mine.interrupted.reset(index(op));
      return std::nullopt;
    }
    if (calls_.fetch_add(1) % k_ != k_ - 1) return std::nullopt;
    mine.interrupted.set(index(op));
    struck_ |= std::uint64_t{1} << index(op);
    return -EINTR;
  }

  static inline std::atomic<unsigned> storms_{0};
  const unsigned k_, storm_;
  std::atomic<unsigned> calls_{0};
  std::atomic<std::uint64_t> struck_{0};
};

}  // namespace

// --- FLT-01 -------------------------------------------------------------------------------------------------------------------

RULE(FLT_01, every_kth_call) {
  use_virtual_time(VirtualClock::Mode::automatic);
  const Lines expected = run_broad_scenario(*make());
  for (unsigned k = 1; k <= 5; ++k) {
    std::optional<Storm> storm;
    Script script;
    storm.emplace(script, k);
    EXPECT_EQ(run_broad_scenario(*make()), expected) << "with every call number " << k << " interrupted";
    if (k != 1) continue;
    for (const sys::Op op : interruptible) EXPECT_TRUE(storm->struck(op)) << "no call of kind " << static_cast<int>(op);
  }
}

// --- FLT-02 -------------------------------------------------------------------------------------------------------------------

namespace {

/// A stream of bytes: a datagram must not be cut, and an eventfd takes eight bytes or none.
bool is_stream(int fd) {
  struct stat status;
  if (::fstat(fd, &status) != 0) return false;
  if (S_ISFIFO(status.st_mode)) return true;
  int type = 0;
  socklen_t size = sizeof type;
  return S_ISSOCK(status.st_mode) && ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

/// What streams transfer, a byte at a time.
class Drip {
 public:
  explicit Drip(Script& script) : script_{script} {
    script.on(sys::Op::recv, Script::any_fd, [this](sys::Call& call) { return one_byte_and_an_edge(call); });
    for (const sys::Op op : {sys::Op::read, sys::Op::send, sys::Op::write}) {
      script.on(op, Script::any_fd, [this](sys::Call& call) { return one_byte(call); });
    }
    script.on(sys::Op::sendmsg, Script::any_fd, [this](sys::Call& call) { return first_byte_of_all(call); });
  }
  unsigned shortened() const noexcept { return shortened_; }

 private:
  std::optional<long> one_byte(sys::Call& call) {
    if (call.size <= 1 || !is_stream(call.fd)) return std::nullopt;
    call.size = 1;
    ++shortened_;
    return std::nullopt;
  }
  /// A read that comes back short means empty to who reads a TCP stream, as the kernel would have it. So where something is left,
  /// its edge comes once more.
  std::optional<long> one_byte_and_an_edge(sys::Call& call) {
    std::array<std::byte, 2> head;
    const bool leaves = is_stream(call.fd) && ::recv(call.fd, head.data(), head.size(), MSG_PEEK | MSG_DONTWAIT) == 2;
    (void)one_byte(call);
    if (leaves) script_.inject_edge(call.fd, EPOLLIN, /*alone=*/false);
    return std::nullopt;
  }
  /// Its size counts parts, so the kernel is asked here.
  std::optional<long> first_byte_of_all(sys::Call& call) {
    const iovec* part = static_cast<const iovec*>(call.data);
    while (part->iov_len == 0) ++part;
    ++shortened_;
    const ssize_t n = ::send(call.fd, part->iov_base, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    return n < 0 ? -errno : n;
  }

  Script& script_;
  std::atomic<unsigned> shortened_{0};
};

}  // namespace

RULE(FLT_02, a_byte_at_a_time) {
  constexpr std::size_t bytes = 200;
  use_virtual_time(VirtualClock::Mode::automatic);
  const Lines expected = run_broad_scenario(*make(), bytes);
  std::optional<Drip> drip;
  Script script;
  drip.emplace(script);
  EXPECT_EQ(run_broad_scenario(*make(), bytes), expected);
  // Two echoes, written and read twice each, and a pipe.
  EXPECT_GE(drip->shortened(), 2 * 2 * (bytes - 1));
}

}  // namespace reactorlab::conformance
