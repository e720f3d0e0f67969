// The kit's say in rings: requests that find no room, completions that are changed or held back, requests that the kernel ends.

#include <gmock/gmock.h>

#include "core/ring_port.hpp"
#include "harness/conformance/facilities.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/ring_requests.hpp"

namespace reactorlab::conformance {
namespace {

using ::testing::ElementsAre;

io_uring_cqe completion_of(RingRequest kind, Token source, int result) {
  io_uring_cqe completion{};
  completion.user_data = user_data(source, kind);
  completion.res = result;
  return completion;
}

/// What comes through a gate.
class Gate {
  auto look() {
    return [this](const io_uring_cqe& completion) { seen_.push_back(completion.res); };
  }

 public:
  void pass(RingRequest kind, Token source, int result) {
    gate_.pass(3, static_cast<long>(kind), completion_of(kind, source, result), look());
  }
  void offer_again(bool room = true) {
    gate_.offer_again(
        3, [=] { return room; }, look());
  }
  bool holds_some() const { return gate_.holds_some(); }
  std::vector<int> taken() { return std::exchange(seen_, {}); }

 private:
  sys::CompletionGate gate_;
  std::vector<int> seen_;
};

TEST(ScriptOfRings, RefusesTheRequestsItWasToldToAndNoOthers) {
  if (const auto reason = why_unavailable(Backend::uring)) GTEST_SKIP() << *reason;
  Script script{sys::Op::ring_submission};
  RingPort port{RingUse::one_thread, {.submissions = 16, .completions = 32}};
  script.refuse(RingRequest::receive, 2, 2);
  std::vector<bool> queued;
  for (int i = 0; i < 4; ++i) {
    queued.push_back(port.queue(user_data(64, RingRequest::receive)) != nullptr);
    EXPECT_TRUE(port.queue(user_data(64, RingRequest::poll)));
  }
  EXPECT_THAT(queued, ElementsAre(true, false, false, true));
  EXPECT_EQ(script.log().size(), 8u);
  EXPECT_EQ(port.ring().queued(), 6u);
}

TEST(ScriptOfRings, AltersTheCompletionsItWasToldToAndNoOthers) {
  Script script;
  script.alter(
      RingRequest::send, [](io_uring_cqe& completion) { completion.res = -EPIPE; }, 2);
  Gate gate;
  for (int i = 1; i <= 3; ++i) {
    gate.pass(RingRequest::send, 64, i);
    gate.pass(RingRequest::receive, 64, 10 * i);
  }
  EXPECT_THAT(gate.taken(), ElementsAre(1, 10, -EPIPE, 20, 3, 30));
}

TEST(ScriptOfRings, HoldsCompletionsBackUntilTheyAreReleased) {
  Script script;
  Gate gate;
  script.hold_back(RingRequest::accept, 64);
  EXPECT_FALSE(script.holds(RingRequest::accept));
  gate.pass(RingRequest::accept, 64, 1);
  gate.pass(RingRequest::accept, 128, 2);
  gate.pass(RingRequest::accept, 64, 3);
  gate.pass(RingRequest::poll, 64, 4);
  EXPECT_THAT(gate.taken(), ElementsAre(2, 4));
  EXPECT_TRUE(script.holds(RingRequest::accept));
  gate.offer_again();
  EXPECT_THAT(gate.taken(), ElementsAre());
  script.release(RingRequest::accept);
  gate.offer_again(/*room=*/false);
  EXPECT_THAT(gate.taken(), ElementsAre());
  gate.offer_again();
  EXPECT_THAT(gate.taken(), ElementsAre(1, 3));
  EXPECT_FALSE(gate.holds_some());
}

TEST(ScriptOfRings, EndsRequestsThatTheKernelHas) {
  if (const auto reason = why_unavailable(Backend::uring)) GTEST_SKIP() << *reason;
  for (const bool by_descriptor : {false, true}) {
    RingPort port{RingUse::one_thread, {.submissions = 16, .completions = 32}};
    const std::uint64_t name = user_data(64, RingRequest::poll);
    const int ring = port.ring().fd();
    const auto end = [&] { return by_descriptor ? end_requests_of(ring, port.kick_fd()) == 1 : end_request(ring, name); };
    io_uring_sqe& entry = *port.queue(name);
    entry.opcode = IORING_OP_POLL_ADD;
    entry.fd = port.kick_fd();
    entry.poll32_events = POLLIN;
    EXPECT_FALSE(end()) << "the kernel doesn't know it yet";
    port.submit();
    EXPECT_TRUE(end());
    (void)port.wait(0);
    ASSERT_EQ(port.ring().ready(), 1u);
    EXPECT_EQ(port.ring().completion(0).user_data, name);
    EXPECT_EQ(port.ring().completion(0).res, -ECANCELED);
    EXPECT_FALSE(end()) << "it has ended";
  }
}

TEST(Facilities, AreWhatIsOpen) {
  const auto before = Facilities::open_now();
  ASSERT_TRUE(before);
  for (const Backend backend : all_backends) {
    if (why_unavailable(backend)) continue;
    const auto rt = make_runtime("thread_local", {.backend = backend});
    const auto now = Facilities::open_now();
    ASSERT_TRUE(now);
    EXPECT_EQ(now->rings, before->rings + (backend == Backend::epoll ? 0 : 1));
    EXPECT_EQ(now->epolls, before->epolls + (backend == Backend::epoll ? 1 : 0));
  }
}

}  // namespace
}  // namespace reactorlab::conformance
