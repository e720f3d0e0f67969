#include "core/completions.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/fd.hpp"
#include "core/poller_uring.hpp"
#include "core/task_header.hpp"

namespace reactorlab {
namespace {

/// Completions by themselves: their poller, a slab, and streams without a task.
class CompletionsTest : public testing::TestWithParam<RingUse> {
 protected:
  void SetUp() override {
    if (const auto reason = why_unavailable(Backend::uring)) GTEST_SKIP() << *reason;
    make({});
  }
  void TearDown() override {
    poller_.reset();
    for (Registration* slot : slots_) slab_.remove(*slot);
    put_confined_header(task_);
    put_confined_header(other_);
  }
  void make(RingSizes sizes) {
    poller_.reset();
    poller_ = make_uring_poller(GetParam(), slab_, Completing::sockets, sizes);
  }

  Registration& add(int fd, SourceKind kind = SourceKind::stream) {
    Registration& slot = *slab_.insert(fd);
    slots_.push_back(&slot);
    slot.kind = kind;
    slot.completes = true;
    EXPECT_EQ(poller_->add(fd, slab_.token_of(slot), Interest::read).value(), 0);
    return slot;
  }
  /// As Reactor does.
  void remove(Registration& slot) {
    EXPECT_EQ(poller_->remove(slot.fd.load()).value(), 0);
    std::erase(slots_, &slot);
    slab_.remove(slot);
  }
  static Completions& completions(Registration& slot) { return *Slab::completions_of(slot); }

  void turn(int timeout_ms = 1) {
    std::array<Event, Poller::batch> events;
    (void)poller_->wait(events, timeout_ms);
  }
  /// Turns until it has been done or has failed.
  template <class Attempt>
  long done(Attempt&& attempt) {
    for (int turns = 0; turns < 10'000; ++turns) {
      const long n = attempt();
      if (n != -EAGAIN) return n;
      turn();
    }
    return -ETIME;
  }
  std::string receive(Registration& slot) {
    ReadBuffer* buffer = nullptr;
    const long n = done([&] { return completions(slot).receive(slot, buffer); });
    if (n <= 0) return n == 0 ? "end" : "error " + std::to_string(-n);
    const Lease lease{buffer};
    return {reinterpret_cast<const char*>(lease.data()), lease.size()};
  }
  std::string receive(Registration& slot, std::size_t size) {
    std::string all;
    while (all.size() < size) all += receive(slot);
    return all;
  }
  long send(Registration& slot, std::string_view text, const TaskHeader& task) {
    return done([&] { return completions(slot).send(slot, task, std::as_bytes(std::span{text})); });
  }
  long send(Registration& slot, std::string_view text) { return send(slot, text, task_); }
  /// A receive is requested, and its request has reached the kernel.
  void request_receive(Registration& slot) {
    ReadBuffer* buffer = nullptr;
    EXPECT_EQ(completions(slot).receive(slot, buffer), -EAGAIN);
    turn(0);
  }

  Slab slab_;
  std::unique_ptr<Poller> poller_;
  std::vector<Registration*> slots_;
  TaskHeader& task_ = take_confined_header();
  TaskHeader& other_ = take_confined_header();
};

INSTANTIATE_TEST_SUITE_P(Uses, CompletionsTest, testing::Values(RingUse::one_thread, RingUse::any_thread),
                         [](const auto& instance) {
                           return std::string{instance.param == RingUse::one_thread ? "one_thread" : "any_thread"};
                         });

struct Pair {
  Pair() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    ours = UniqueFd{ends[0]};
    theirs = UniqueFd{ends[1]};
  }
  UniqueFd ours, theirs;
};

void put(const UniqueFd& fd, std::string_view text) {
  EXPECT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}
std::string take(const UniqueFd& fd, std::size_t most = 1 << 16) {
  std::string text(most, '\0');
  const ssize_t n = ::read(fd.get(), text.data(), most);
  if (n <= 0) return n == 0 ? "end" : "nothing";
  text.resize(static_cast<std::size_t>(n));
  return text;
}
std::size_t open_descriptors() {
  std::size_t count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

TEST_P(CompletionsTest, WhatIsThereIsReadAtOnceAndWhatComesLaterWithoutAnotherRequest) {
  Pair pair;
  Registration& slot = add(pair.ours.get());
  put(pair.theirs, "first");
  ReadBuffer* buffer = nullptr;
  EXPECT_EQ(completions(slot).receive(slot, buffer), 5);
  Lease{buffer}.reset();
  request_receive(slot);
  for (const char* text : {"a", "bb", "ccc"}) {
    put(pair.theirs, text);
    EXPECT_EQ(receive(slot), text);
  }
  EXPECT_EQ(completions(slot).in_flight(), 1u);
}

TEST_P(CompletionsTest, ALeaseKeepsItsBytesWhateverComesLater) {
  make({.buffers = 2});
  Pair pair;
  Registration& slot = add(pair.ours.get());
  request_receive(slot);
  put(pair.theirs, "kept");
  ReadBuffer* buffer = nullptr;
  EXPECT_EQ(done([&] { return completions(slot).receive(slot, buffer); }), 4);
  const Lease lease{buffer};
  for (int i = 0; i < 20; ++i) {
    put(pair.theirs, "lost");
    EXPECT_EQ(receive(slot), "lost");
  }
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(lease.data()), lease.size()), "kept");
}

TEST_P(CompletionsTest, ABurstBeyondTheBuffersAndTheCreditArrivesInOrder) {
  make({.submissions = 8, .completions = 16, .buffers = 1});
  Pair pair;
  Registration& slot = add(pair.ours.get());
  request_receive(slot);
  std::string sent;
  for (int i = 0; i < 300; ++i) {
    const std::string piece = std::to_string(i) + std::string(600, static_cast<char>('a' + i % 26));
    if (::write(pair.theirs.get(), piece.data(), piece.size()) != static_cast<ssize_t>(piece.size())) break;
    sent += piece;
    if (i % 7 == 0) turn(0);
  }
  EXPECT_GT(sent.size(), 64u * 1024);
  EXPECT_EQ(receive(slot, sent.size()), sent);
}

TEST_P(CompletionsTest, ReadsOfPartsAndPeeksSeeTheBytesInOrder) {
  Pair pair;
  Registration& slot = add(pair.ours.get());
  request_receive(slot);
  put(pair.theirs, "0123456789");
  std::array<std::byte, 4> part;
  const auto text = [&](long n) { return std::string(reinterpret_cast<const char*>(part.data()), static_cast<std::size_t>(n)); };
  EXPECT_EQ(text(done([&] { return completions(slot).receive(slot, part, MSG_PEEK); })), "0123");
  EXPECT_EQ(text(done([&] { return completions(slot).receive(slot, part, 0); })), "0123");
  EXPECT_EQ(receive(slot), "456789");
}

TEST_P(CompletionsTest, TheEndIsReadAgainAndAgainBehindTheBytes) {
  Pair pair;
  Registration& slot = add(pair.ours.get());
  request_receive(slot);
  put(pair.theirs, "last");
  pair.theirs.reset();
  EXPECT_EQ(receive(slot), "last");
  EXPECT_EQ(receive(slot), "end");
  EXPECT_EQ(receive(slot), "end");
}

TEST_P(CompletionsTest, SendsOfOneTaskAndOfAnotherNeverMix) {
  Pair pair;
  Registration& slot = add(pair.ours.get());
  EXPECT_EQ(send(slot, "one"), 3);
  EXPECT_EQ(completions(slot).send(slot, task_, std::as_bytes(std::span{"two", 3})), -EAGAIN);
  EXPECT_EQ(completions(slot).send(slot, other_, std::as_bytes(std::span{"other", 5})), -EAGAIN) << "one at a time";
  EXPECT_EQ(send(slot, "two"), 3) << "its own result";
  EXPECT_EQ(send(slot, "other", other_), 5);
  EXPECT_EQ(take(pair.theirs), "onetwoother");
}

TEST_P(CompletionsTest, AnAbandonedSendIsMadeAndItsResultIsNobodys) {
  Pair pair;
  Registration& slot = add(pair.ours.get());
  EXPECT_EQ(completions(slot).send(slot, task_, std::as_bytes(std::span{"abandoned", 9})), -EAGAIN);
  completions(slot).abandon_send(slot, task_);
  EXPECT_EQ(send(slot, "own"), 3);
  EXPECT_EQ(take(pair.theirs), "abandonedown");
}

TEST_P(CompletionsTest, ASendThatFindsNoRoomWaitsForItAndASendToNobodyFails) {
  Pair pair;
  Registration& slot = add(pair.ours.get());
  std::size_t filled = 0;
  const std::string chunk(4096, 'f');
  for (ssize_t n; (n = ::write(pair.ours.get(), chunk.data(), chunk.size())) > 0;) filled += static_cast<std::size_t>(n);
  EXPECT_EQ(completions(slot).send(slot, task_, std::as_bytes(std::span{"x", 1})), -EAGAIN);
  turn(0);
  while (filled != 0) filled -= take(pair.theirs, filled).size();
  EXPECT_EQ(send(slot, "x"), 1);
  EXPECT_EQ(take(pair.theirs), "x");
  pair.theirs.reset();
  EXPECT_EQ(send(slot, "y"), -EPIPE);
}

TEST_P(CompletionsTest, WhatIsClosedWithRequestsUnderWayIsClosedForItsPeer) {
  Pair pair;
  Registration& slot = add(pair.ours.get());
  request_receive(slot);
  remove(slot);
  pair.ours.reset();
  std::string seen;
  for (int turns = 0; turns < 1'000 && (seen = take(pair.theirs)) == "nothing"; ++turns) turn();
  EXPECT_EQ(seen, "end");
}

TEST_P(CompletionsTest, ANumberUsedAgainGetsNothingOfItsFormerLife) {
  for (int round = 0; round < 50; ++round) {
    Pair first;
    const int number = first.ours.get();
    Registration& slot = add(number);
    request_receive(slot);
    put(first.theirs, "former");
    remove(slot);
    first.ours.reset();
    Pair second;
    ASSERT_EQ(second.ours.get(), number);
    Registration& again = add(number);
    put(second.theirs, "new");
    EXPECT_EQ(receive(again), "new");
    remove(again);
  }
}

TEST_P(CompletionsTest, EndingFreesNothingThatTheKernelMayWriteTo) {
  std::vector<Pair> pairs(100);
  for (const Pair& pair : pairs) request_receive(add(pair.ours.get()));
  for (const Pair& pair : pairs) put(pair.theirs, "some of these were received");
  poller_.reset();
  for (const Pair& pair : pairs) put(pair.theirs, std::string(1'000, 'w'));  // a sanitizer would see where it goes
  poller_ = make_uring_poller(GetParam(), slab_, Completing::sockets);
}

class CompletingListenerTest : public CompletionsTest {
 protected:
  void SetUp() override {
    CompletionsTest::SetUp();
    listener_ = UniqueFd{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address_), size), 0);
    EXPECT_EQ(::listen(listener_.get(), 512), 0);
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address_), &size), 0);
  }
  UniqueFd connected() {
    UniqueFd client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address_), sizeof address_), 0);
    return client;
  }
  /// An accept is requested, and the request has reached the kernel.
  void request_accept(Registration& slot) {
    EXPECT_EQ(completions(slot).accept(slot), -EAGAIN);
    turn(0);
  }

  UniqueFd listener_;
  sockaddr_in address_{};
};
INSTANTIATE_TEST_SUITE_P(Uses, CompletingListenerTest, testing::Values(RingUse::one_thread, RingUse::any_thread),
                         [](const auto& instance) {
                           return std::string{instance.param == RingUse::one_thread ? "one_thread" : "any_thread"};
                         });

TEST_P(CompletingListenerTest, ConnectionsAreTakenInOrderAndMoreThanWaitHereAtOnce) {
  Registration& slot = add(listener_.get(), SourceKind::listener);
  request_accept(slot);
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(connected());
  turn();
  for (const UniqueFd& client : clients) {
    const long fd = done([&] { return completions(slot).accept(slot); });
    ASSERT_GE(fd, 0);
    const UniqueFd accepted{static_cast<int>(fd)};
    put(accepted, "hello");
    EXPECT_EQ(take(client), "hello");
  }
}

TEST_P(CompletingListenerTest, ConnectionsThatNobodyTookAreClosedAndNoDescriptorIsLost) {
  const std::size_t before = open_descriptors();
  for (int round = 0; round < 20; ++round) {
    Registration& slot = add(listener_.get(), SourceKind::listener);
    request_accept(slot);
    std::vector<UniqueFd> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(connected());
    if (round % 2 == 0) turn();  // else its completions come after the removal
    remove(slot);
    for (int i = 0; i < 3; ++i) turn();
  }
  UniqueFd last{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  while (last) last = UniqueFd{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  EXPECT_EQ(open_descriptors(), before);
}

class CompletingDatagramsTest : public CompletionsTest {
 protected:
  void SetUp() override {
    CompletionsTest::SetUp();
    if (IsSkipped()) return;
    ours_ = bound(our_address_);
    theirs_ = bound(their_address_);
    slot_ = &add(ours_.get(), SourceKind::datagram);
  }
  static UniqueFd bound(sockaddr_in& address) {
    UniqueFd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const name = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(fd.get(), name, sizeof address), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(fd.get(), name, &size), 0);
    return fd;
  }
  void put_datagram(const std::string& text) {
    EXPECT_EQ(
        ::sendto(theirs_.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&our_address_), sizeof our_address_),
        static_cast<ssize_t>(text.size()));
  }
  /// A receive is requested, and its request has reached the kernel.
  void request() {
    EXPECT_EQ(completions(*slot_).receive_from(*slot_, {}, nullptr, nullptr), -EAGAIN);
    turn(0);
  }
  std::string take_datagram() {
    static std::vector<std::byte> room(70'000);
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const long n = done([&] { return completions(*slot_).receive_from(*slot_, room, reinterpret_cast<sockaddr*>(&from), &size); });
    if (n < 0) return "error " + std::to_string(-n);
    EXPECT_EQ(size, sizeof from);
    EXPECT_EQ(from.sin_port, their_address_.sin_port);
    return {reinterpret_cast<const char*>(room.data()), static_cast<std::size_t>(n)};
  }

  sockaddr_in our_address_{}, their_address_{};
  UniqueFd ours_, theirs_;
  Registration* slot_ = nullptr;
};
INSTANTIATE_TEST_SUITE_P(Uses, CompletingDatagramsTest, testing::Values(RingUse::one_thread, RingUse::any_thread),
                         [](const auto& instance) {
                           return std::string{instance.param == RingUse::one_thread ? "one_thread" : "any_thread"};
                         });

TEST_P(CompletingDatagramsTest, EachIsWholeWithItsSenderEmptyAndLongestOnesToo) {
  request();
  for (const std::size_t size : {std::size_t{1}, std::size_t{0}, std::size_t{64}, std::size_t{40'000}, std::size_t{65'507}}) {
    const std::string text(size, static_cast<char>('a' + size % 26));
    put_datagram(text);
    turn();
    EXPECT_EQ(take_datagram(), text);
  }
}

TEST_P(CompletingDatagramsTest, WhatDoesntFitIsLostAndItsSizeTold) {
  request();
  put_datagram("0123456789");
  put_datagram("next");
  turn();
  std::array<std::byte, 4> room{};
  EXPECT_EQ(done([&] { return completions(*slot_).receive_from(*slot_, room, nullptr, nullptr); }), 10);
  EXPECT_EQ(std::memcmp(room.data(), "0123", 4), 0);
  EXPECT_EQ(take_datagram(), "next");
}

TEST_P(CompletingDatagramsTest, MoreThanThereAreBuffersForArriveInOrder) {
  request();
  for (int i = 0; i < 200; ++i) put_datagram(std::to_string(i));
  turn();
  for (int i = 0; i < 200; ++i) EXPECT_EQ(take_datagram(), std::to_string(i));
  put_datagram("afterwards");
  EXPECT_EQ(take_datagram(), "afterwards");
}

TEST_P(CompletingDatagramsTest, WhoTakesNoneLeavesThemToTheKernel) {
  request();
  const std::string large(60'000, 'x');
  int taken = 0, sent = 0;
  for (; sent < 40; ++sent) {  // more than the kernel's own queue has room for
    put_datagram(large);
    turn();
  }
  std::vector<std::byte> room(70'000);
  while (completions(*slot_).receive_from(*slot_, room, nullptr, nullptr) == 60'000) ++taken;
  EXPECT_GT(taken, 0);
  EXPECT_LT(taken, sent) << "the reactor's memory isn't a queue without end";
  for (int i = 0; i < 3; ++i) turn();
  put_datagram("afterwards");
  std::string next = take_datagram();
  while (next == large) next = take_datagram();
  EXPECT_EQ(next, "afterwards");
}

TEST_P(CompletingDatagramsTest, WhatComesForASocketThatIsClosedGivesItsBufferBack) {
  for (int round = 0; round < 200; ++round) {
    request();
    put_datagram("late");
    put_datagram("later");
    if (round % 2 == 0) turn();  // else its completions come after the removal
    remove(*slot_);
    for (int i = 0; i < 2; ++i) turn();
    char text[8];
    while (::recv(ours_.get(), text, sizeof text, 0) >= 0) {
    }
    slot_ = &add(ours_.get(), SourceKind::datagram);
  }
  request();
  put_datagram("still");
  EXPECT_EQ(take_datagram(), "still");
}

TEST_P(CompletingDatagramsTest, OneIsSentToWhomItNames) {
  const auto name = std::as_bytes(std::span{&their_address_, 1});
  const auto send_to = [&](std::string_view text) {
    return done([&] { return completions(*slot_).send(*slot_, task_, std::as_bytes(std::span{text}), name); });
  };
  for (const std::size_t size : {std::size_t{5}, std::size_t{960}, std::size_t{961}, std::size_t{0}, std::size_t{65'507}}) {
    const std::string text(size, 's');
    EXPECT_EQ(send_to(text), static_cast<long>(size));
    std::string got(70'000, '\0');
    const ssize_t n = ::recv(theirs_.get(), got.data(), got.size(), 0);
    ASSERT_EQ(n, static_cast<ssize_t>(size));
    EXPECT_EQ(got.substr(0, size), text);
  }
  EXPECT_EQ(send_to(std::string(65'508, 's')), -EMSGSIZE);
}

TEST_P(CompletingDatagramsTest, AnErrorOfTheNetworkIsOneResult) {
  const sockaddr_in nobody = their_address_;
  theirs_.reset();
  EXPECT_EQ(::connect(ours_.get(), reinterpret_cast<const sockaddr*>(&nobody), sizeof nobody), 0);
  request();
  EXPECT_EQ(send(*slot_, "anybody?"), 8);
  EXPECT_EQ(done([&] { return completions(*slot_).receive_from(*slot_, {}, nullptr, nullptr); }), -ECONNREFUSED);
  EXPECT_EQ(completions(*slot_).receive_from(*slot_, {}, nullptr, nullptr), -EAGAIN) << "the socket goes on";
}

}  // namespace
}  // namespace reactorlab
