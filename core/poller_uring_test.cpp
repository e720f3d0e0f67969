#include "core/poller_uring.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "core/fd.hpp"

namespace reactorlab {
namespace {

/// The poller by itself, without a reactor: on a ring of its own, with a slab for its tokens.
class UringPollerTest : public testing::TestWithParam<RingUse> {
 protected:
  void SetUp() override {
    if (const auto reason = why_unavailable(Backend::uring_poll)) GTEST_SKIP() << *reason;
    make({});
  }
  void TearDown() override {
    poller_.reset();
    for (Registration* slot : slots_) slab_.remove(*slot);
  }
  void make(RingSizes sizes) { poller_ = make_uring_poller(GetParam(), slab_, Completing::nothing, sizes); }

  Poller& poller() { return *poller_; }
  Token new_token(int fd) {
    slots_.push_back(slab_.insert(fd));
    return slab_.token_of(*slots_.back());
  }
  Token add(int fd, Interest interest = Interest::read) {
    const Token token = new_token(fd);
    EXPECT_EQ(poller().add(fd, token, interest).value(), 0);
    return token;
  }
  /// What one wait reports. Without limit: what is expected must come.
  std::vector<Event> wait(int timeout_ms = -1) {
    std::array<Event, Poller::batch> events;
    const IoResult n = poller().wait(events, timeout_ms);
    EXPECT_TRUE(n) << n.error();
    return {events.begin(), events.begin() + std::max(0L, n.value())};
  }
  /// Waits until something of that source has been reported: all that one wait says of it.
  std::uint32_t mask_of(Token token) {
    std::uint32_t mask = 0;
    while (!mask) {
      for (const Event& event : wait()) mask |= event.token == token ? event.mask : 0;
    }
    return mask;
  }

 private:
  Slab slab_;
  std::unique_ptr<Poller> poller_;
  std::vector<Registration*> slots_;
};

class SharedUringPollerTest : public UringPollerTest {};

constexpr auto name_of_use = [](const auto& instance) {
  return std::string{instance.param == RingUse::one_thread ? "one_thread" : "any_thread"};
};
INSTANTIATE_TEST_SUITE_P(Uses, UringPollerTest, testing::Values(RingUse::one_thread, RingUse::any_thread), name_of_use);
INSTANTIATE_TEST_SUITE_P(Uses, SharedUringPollerTest, testing::Values(RingUse::any_thread), name_of_use);

struct Pair {
  explicit Pair(int type = SOCK_STREAM) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    ours = UniqueFd{ends[0]};
    theirs = UniqueFd{ends[1]};
  }
  UniqueFd ours, theirs;
};

UniqueFd counter() { return UniqueFd{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)}; }
void bump(const UniqueFd& eventfd) { EXPECT_EQ(::eventfd_write(eventfd.get(), 1), 0); }
bool write_byte(const UniqueFd& fd) { return ::write(fd.get(), "x", 1) == 1; }

TEST_P(UringPollerTest, EachArrivalIsReportedOnceAndNothingElseIs) {
  Pair pair;
  const Token token = add(pair.ours.get());
  EXPECT_TRUE(wait(0).empty());
  for (int i = 0; i < 3; ++i) {  // never read: an edge isn't a level
    EXPECT_TRUE(write_byte(pair.theirs));
    EXPECT_EQ(mask_of(token), std::uint32_t{EPOLLIN});
    EXPECT_TRUE(wait(0).empty());
  }
}

TEST_P(UringPollerTest, WhatIsReadyAlreadyWhenItIsAddedIsReported) {
  Pair pair;
  EXPECT_TRUE(write_byte(pair.theirs));
  EXPECT_EQ(mask_of(add(pair.ours.get(), Interest::both)), std::uint32_t{EPOLLIN | EPOLLOUT});
}

TEST_P(UringPollerTest, AHangUpIsReportedAndTheHalfOfOne) {
  Pair pair;
  const Token token = add(pair.ours.get());
  EXPECT_EQ(::shutdown(pair.theirs.get(), SHUT_WR), 0);
  EXPECT_EQ(mask_of(token) & (EPOLLIN | EPOLLRDHUP | EPOLLHUP), std::uint32_t{EPOLLIN | EPOLLRDHUP});
  pair.theirs.reset();
  EXPECT_TRUE(mask_of(token) & EPOLLHUP);
}

TEST_P(UringPollerTest, ChangedInterestIsReportedAtOnce) {
  Pair pair;
  const Token token = add(pair.ours.get());
  EXPECT_TRUE(wait(0).empty());
  EXPECT_EQ(poller().modify(pair.ours.get(), token, Interest::both).value(), 0);
  EXPECT_TRUE(mask_of(token) & EPOLLOUT);
}

// The kernel refuses to change a poll that is about to report (-EALREADY), and does so for one that was ready when it was added.
TEST_P(UringPollerTest, InterestIsChangedThoughThePollIsAboutToReport) {
  Pair pair;
  EXPECT_TRUE(write_byte(pair.theirs));
  const Token token = add(pair.ours.get());
  EXPECT_EQ(poller().modify(pair.ours.get(), token, Interest::both).value(), 0);
  std::uint32_t seen = 0;
  while (!(seen & EPOLLOUT)) seen |= mask_of(token);
  EXPECT_TRUE(seen & EPOLLIN);
}

TEST_P(UringPollerTest, WhatIsRemovedIsReportedNoMoreAndItsPeerSeesTheEnd) {
  Pair pair;
  const Token token = add(pair.ours.get());
  EXPECT_TRUE(wait(0).empty());
  EXPECT_EQ(poller().remove(pair.ours.get()).value(), 0);
  EXPECT_TRUE(write_byte(pair.theirs));
  for (const Event& event : wait(0)) EXPECT_NE(event.token, token);
  pair.ours.reset();
  pollfd entry{pair.theirs.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&entry, 1, -1), 1);
  EXPECT_TRUE(entry.revents & POLLHUP);
  EXPECT_EQ(poller().remove(pair.theirs.get()).error(), ENOENT);
}

TEST_P(UringPollerTest, WhatIsReadyAndRemovedAtOnceIsClosedAllTheSame) {
  Pair pair;
  EXPECT_EQ(::shutdown(pair.theirs.get(), SHUT_WR), 0);
  add(pair.ours.get());
  EXPECT_EQ(poller().remove(pair.ours.get()).value(), 0);
  pair.ours.reset();
  pollfd entry{pair.theirs.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&entry, 1, -1), 1);
  EXPECT_TRUE(entry.revents & POLLHUP);
}

TEST_P(UringPollerTest, ADescriptorThatCantBePolledOrIsNoneIsRefused) {
  EXPECT_EQ(poller().add(-1, new_token(1), Interest::read).error(), EBADF);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::tmpfile(), &std::fclose};
  EXPECT_EQ(poller().add(::fileno(file.get()), new_token(1), Interest::read).error(), EPERM);
}

TEST_P(UringPollerTest, ADescriptorIsRegisteredOnceAndItsNumberAnewWithAnotherFile) {
  Pair pair, other;
  const int fd = pair.ours.get();
  add(fd);
  EXPECT_EQ(poller().add(fd, new_token(fd), Interest::read).error(), EEXIST);
  EXPECT_EQ(::dup3(other.ours.get(), fd, O_CLOEXEC), fd);  // its owner closed it without a word
  const Token second = add(fd);
  EXPECT_TRUE(write_byte(other.theirs));
  EXPECT_EQ(mask_of(second), std::uint32_t{EPOLLIN});
}

// A call that waits for one completion brings 20 at most of a ring of one thread (Linux 6.18).
TEST_P(UringPollerTest, ABusyPollerTakesAWholeBatchWithOneCall) {
  constexpr std::size_t count = 100;
  std::vector<UniqueFd> counters;
  for (std::size_t i = 0; i < count; ++i) counters.push_back(counter());
  for (const UniqueFd& each : counters) add(each.get());
  EXPECT_TRUE(wait(0).empty());
  for (const UniqueFd& each : counters) bump(each);
  for (std::size_t seen = 0; seen < count;) seen += wait().size();
  for (const UniqueFd& each : counters) bump(each);
  EXPECT_EQ(wait().size(), count);
  bump(counters.front());  // and doesn't wait for a batch
  EXPECT_EQ(wait().size(), 1u);
}

TEST_P(UringPollerTest, NothingIsLostWhenTheCompletionsOverflow) {
  make({.submissions = 8, .completions = 8});
  constexpr std::size_t count = 100;
  std::vector<UniqueFd> counters;
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < count; ++i) counters.push_back(counter());
  for (const UniqueFd& each : counters) tokens.push_back(add(each.get()));
  EXPECT_TRUE(wait(0).empty());
  for (int round = 0; round < 3; ++round) {
    for (const UniqueFd& each : counters) bump(each);
    std::vector<Token> missing = tokens;
    while (!missing.empty()) {
      for (const Event& event : wait()) std::erase(missing, Token{event.token});
    }
  }
}

TEST_P(SharedUringPollerTest, APollOutlivesTheThreadThatAskedForIt) {
  const UniqueFd eventfd = counter();
  Token token = 0;
  std::thread{[&] { token = add(eventfd.get()); }}.join();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(wait(0).size() <= 1);  // that it is armed again may tell what is ready
    bump(eventfd);
    EXPECT_EQ(mask_of(token), std::uint32_t{EPOLLIN});
  }
}

TEST_P(SharedUringPollerTest, SourcesAreAddedWhileAnotherThreadWaits) {
  add(poller().kick_fd());
  const UniqueFd eventfd = counter();
  const Token token = new_token(eventfd.get());
  std::thread waiter{[&] { EXPECT_EQ(mask_of(token), std::uint32_t{EPOLLIN}); }};
  EXPECT_EQ(poller().add(eventfd.get(), token, Interest::read).value(), 0);
  bump(eventfd);
  waiter.join();
}

TEST_P(UringPollerTest, AKickEndsAWaitFromAnyThreadAndManyAreOne) {
  const Token kick = add(poller().kick_fd());
  const UniqueFd other = counter();
  add(other.get());
  std::thread kicker{[&] { poller().kick(); }};
  EXPECT_EQ(mask_of(kick), std::uint32_t{EPOLLIN});
  kicker.join();
  for (int i = 0; i < 1'000; ++i) poller().kick();
  EXPECT_EQ(wait().size(), 1u);
  EXPECT_TRUE(wait(0).empty());
}

TEST_P(UringPollerTest, AWaitEndsWhenItsTimeHasCome) {
  const UniqueFd eventfd = counter();
  add(eventfd.get());
  EXPECT_TRUE(wait(1).empty());
}

TEST_P(UringPollerTest, UrgentDataAndOnlyThatIsReportedAsUrgent) {
  UniqueFd listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const name = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::bind(listener.get(), name, size), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ASSERT_EQ(::getsockname(listener.get(), name, &size), 0);
  const UniqueFd theirs{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  ASSERT_EQ(::connect(theirs.get(), name, size), 0);
  const UniqueFd ours{::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  const Token token = add(ours.get());
  EXPECT_TRUE(write_byte(theirs));
  EXPECT_FALSE(mask_of(token) & EPOLLPRI);
  EXPECT_EQ(::send(theirs.get(), "!", 1, MSG_OOB), 1);
  while (!(mask_of(token) & EPOLLPRI)) {
  }
}

// --- where there are no rings ---------------------------------------------------------------------------------------------------

class Refusing final : public sys::Script {
 public:
  explicit Refusing(int error) : error_{error} { sys::script.store(this); }
  ~Refusing() { sys::script.store(nullptr); }
  long on_call(sys::Call& call, long (*kernel)(const void*, const sys::Call&), const void* context) noexcept override {
    return call.op == sys::Op::epoll_create1 ? -error_ : kernel(context, call);
  }

 private:
  const int error_;
};

TEST(RingTest, SaysWhyThereIsNoneAndWhatHelps) {
  const std::pair<int, const char*> causes[] = {
      {ENOSYS, "this kernel has no io_uring"}, {EPERM, "kernel.io_uring_disabled"}, {EINVAL, "too old"}, {EMFILE, "ulimit -n"}};
  for (const auto& [error, part] : causes) {
    const Refusing script{error};
    const std::string reason = why_unavailable(Backend::uring).value_or("there are rings");
    EXPECT_NE(reason.find("io_uring_setup failed"), std::string::npos) << reason;
    EXPECT_NE(reason.find(part), std::string::npos) << reason;
  }
}

}  // namespace
}  // namespace reactorlab
