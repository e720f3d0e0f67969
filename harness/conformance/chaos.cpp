#include "harness/conformance/chaos.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "harness/conformance/black_box.hpp"

namespace reactorlab::conformance {
namespace {

/// Each thread has a generator of its own: one that they shared would order what they do.
class Choices {
 public:
  void begin(std::uint64_t seed) noexcept {
    seed_.store(seed, std::memory_order_relaxed);
    threads_.store(0, std::memory_order_relaxed);
    run_.fetch_add(1, std::memory_order_relaxed);
  }

  /// 0 to below - 1, on the calling thread.
  unsigned next(unsigned below) noexcept {
    struct Mine {
      std::uint64_t run = 0;
      std::mt19937_64 generator;
    };
    static thread_local Mine mine;
    const std::uint64_t run = run_.load(std::memory_order_relaxed);
    if (mine.run != run) {
      const std::uint64_t ordinal = threads_.fetch_add(1, std::memory_order_relaxed);
      mine = {run, std::mt19937_64{seed_.load(std::memory_order_relaxed) * 1'000'003 + ordinal}};
    }
    return static_cast<unsigned>(mine.generator() % below);
  }
  bool one_in(unsigned n) noexcept { return next(n) == 0; }

 private:
  std::atomic<std::uint64_t> run_{0}, seed_{0}, threads_{0};
};

/// Never destroyed: a thread may be on its way here when a test ends.
Choices& choices() {
  static Choices& instance = *new Choices;
  return instance;
}

class GiveWay final : public SyncPointObserver {
 public:
  void reached(SyncPoint) noexcept override {
    if (!choices().one_in(3)) return;
    for (unsigned n = choices().next(4); n != 0; --n) std::this_thread::yield();
  }
};

SyncPointObserver& give_way() {
  static SyncPointObserver& instance = *new GiveWay;
  return instance;
}

/// Before a wait: it may end at once, or have room for fewer events than there are.
std::optional<long> disturb(sys::Call& call) noexcept {
  switch (choices().next(8)) {
    case 0: return 0;
    case 1: return -EINTR;
    case 2:
    case 3:
    case 4: call.size = std::min<std::size_t>(call.size, 1 + choices().next(4)); break;
    default: break;
  }
  return std::nullopt;
}

constexpr std::initializer_list<sys::Op> nothing = {};
constexpr std::initializer_list<sys::Op> all = {
    sys::Op::close, sys::Op::epoll_create1, sys::Op::epoll_ctl, sys::Op::epoll_wait, sys::Op::eventfd,    sys::Op::poll,
    sys::Op::read,  sys::Op::recv,          sys::Op::send,      sys::Op::sendmsg,    sys::Op::socketpair, sys::Op::write,
};

/// Names in the order in which they come up.
class Numbering {
 public:
  std::size_t of(std::uint64_t name) { return numbers_.emplace(name, numbers_.size()).first->second; }

 private:
  std::map<std::uint64_t, std::size_t> numbers_;
};

}  // namespace

Chaos::Chaos(std::uint64_t seed, bool tracing) : script_{tracing ? all : nothing} {
  choices().begin(seed);
  script_.on(sys::Op::epoll_wait, Script::any_fd, disturb);
  script_.arrange([](std::span<Event> events) {
    for (std::size_t left = events.size(); left > 1; --left) {
      std::swap(events[left - 1], events[choices().next(static_cast<unsigned>(left))]);
    }
  });
  sync_point_observer.store(&give_way(), std::memory_order_release);
}

Chaos::~Chaos() { sync_point_observer.store(nullptr, std::memory_order_release); }

std::vector<std::string> Chaos::trace() const {
  std::vector<std::string> lines;
  Numbering descriptors, tokens;
  for (const LoggedCall& call : script_.log()) {
    const bool makes_one = call.op == sys::Op::epoll_create1 || call.op == sys::Op::eventfd;
    const long result = makes_one ? static_cast<long>(descriptors.of(static_cast<std::uint64_t>(call.result))) : call.result;
    std::string line = fmt::format("{} {} {} -> {}", static_cast<int>(call.op), descriptors.of(static_cast<std::uint64_t>(call.fd)),
                                   call.command, result);
    for (const Event& event : call.events) {
      const std::uint32_t mask = event.mask;
      line += fmt::format(" {:x}:{}", mask, tokens.of(event.token));
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace reactorlab::conformance
