// Wrong answers must be noticed: in every workload that puts numbers into descriptors one of them is spoiled, and the halves of
// others are given a partner that lies.
#include "harness/bench/in_process_workloads.hpp"
#include "harness/bench/variants_in_process.hpp"
#include "harness/scenarios/cancel_storm.hpp"
#include "harness/scenarios/channel_ping.hpp"
#include "harness/scenarios/descriptors.hpp"
#include "harness/scenarios/fan_in.hpp"
#include "harness/scenarios/fan_out.hpp"
#include "harness/scenarios/handle_acquire.hpp"
#include "harness/scenarios/pipe_echo.hpp"
#include "harness/scenarios/pipe_ring.hpp"
#include "harness/scenarios/socketpair_stream.hpp"
#include "harness/scenarios/waker_clone.hpp"
#include "harness/scenarios/xwake_flood.hpp"

#include <memory>
#include <string_view>

#include <gtest/gtest.h>

namespace reactorlab::bench {
namespace {

struct Spoiled {
  std::string_view workload;
  std::map<std::string, std::uint64_t> params = {};
  friend std::ostream& operator<<(std::ostream& out, const Spoiled& one) { return out << one.workload; }
};

class SpoiledPut : public testing::TestWithParam<Spoiled> {
 protected:
  void TearDown() override { scenarios::spoiled_put = 0; }
};

/// The sixth number after the window has opened. A homes' own contract doesn't matter here: one that shares and one that doesn't.
TEST_P(SpoiledPut, IsAnErrorOfTheSample) {
  for (const std::string_view home : {"thread_local", "arc_mutex"}) {
    const InProcessReport report = run_variant_in_process(
        home, {},
        {.workload = std::string{GetParam().workload}, .params = GetParam().params, .operations = 40, .on_window_open = [] {
           scenarios::spoiled_put = 6;
         }});
    EXPECT_EQ(scenarios::spoiled_put, 0U) << home << ": nothing was spoiled";
    EXPECT_GT(report.errors, 0U) << home;
  }
}

INSTANTIATE_TEST_SUITE_P(Workloads, SpoiledPut,
                         testing::Values(Spoiled{"park_wake_self"}, Spoiled{"turn_k_of_n", {{"registered", 8}, {"ready", 4}}},
                                         Spoiled{"fd_wake"}, Spoiled{"herd", {{"threads", 2}}},
                                         Spoiled{"handoff_chain", {{"hops", 2}, {"threads", 2}}}, Spoiled{"migrate"},
                                         Spoiled{"two_runtimes"}, Spoiled{"register_while_parked", {{"forwarded", 1}}},
                                         Spoiled{"fd_reuse"}, Spoiled{"start_stop"}, Spoiled{"eventfd_pingpong"}),
                         [](const auto& instance) { return std::string{instance.param.workload}; });

TEST(SpoiledReads, OneTooManyIsNoticed) {
  scenarios::spoiled_put = 1;
  EXPECT_EQ(run_variant_in_process("thread_local", {}, {.workload = "ready_hit", .operations = 10}).errors, 1U);
}

// --- partners that lie, on any home: the scenarios' halves are the same everywhere

class Saboteur : public testing::Test {
 protected:
  std::unique_ptr<IRuntime> runtime_ = make_runtime("thread_local");
  InProcessReport report_;
};

Task<> add_one(scenarios::ChannelPair& channels) {
  while (const std::optional<std::uint64_t> number = co_await channels.there.receive()) {
    if (!co_await channels.back.send(*number + (*number == 3))) co_return;
  }
}

TEST_F(Saboteur, ChannelThatChangesANumber) {
  scenarios::ChannelPair channels;
  JoinHandle<void> other = runtime_->spawn(add_one(channels));
  runtime_->block_on(scenarios::ping_through(channels, 5, report_));
  channels.there.close();
  runtime_->block_on([](JoinHandle<void> handle) -> Task<> { co_await handle; }(std::move(other)));
  EXPECT_EQ(report_.operations, 4U);
  EXPECT_EQ(report_.errors, 1U);
}

template <class Rt>
Task<> echo_with_a_wrong_byte(scenarios::AsyncPipe<Rt>& there, scenarios::AsyncPipe<Rt>& back, std::uint64_t count) {
  scenarios::Message message;
  for (std::uint64_t i = 0; i < count; ++i) {
    (void)co_await there.out.read(std::as_writable_bytes(std::span{message}));
    message[5] ^= static_cast<std::uint64_t>(i == 2) << 40;
    (void)co_await back.in.write(std::as_bytes(std::span{message}));
  }
}

TEST_F(Saboteur, EchoWithAWrongByte) {
  scenarios::AsyncPipe<IRuntime> there{*runtime_}, back{*runtime_};
  JoinHandle<void> echoing = runtime_->spawn(echo_with_a_wrong_byte(there, back, 5));
  runtime_->block_on(scenarios::exchange_messages(there.in, back.out, 0, 5, report_));
  echoing.detach();
  runtime_->shutdown(Duration::zero());
  EXPECT_EQ(report_.operations, 4U);
  EXPECT_EQ(report_.errors, 1U);
}

TEST_F(Saboteur, StreamWithAMessageMissing) {
  auto pair = BasicUnixStream<IRuntime>::pair(*runtime_);
  ASSERT_TRUE(pair);
  runtime_->spawn(scenarios::write_messages(pair->first, 64, 1, 3)).detach();  // the first one is 2
  runtime_->block_on(scenarios::read_messages(pair->second, 64, 0, 3, report_));
  EXPECT_EQ(report_.operations, 0U);
  EXPECT_EQ(report_.errors, 3U);
}

TEST_F(Saboteur, TokenThatIsNotDue) {
  const scenarios::Ring ring{2, 1};
  ring.send(0, 0, 3);  // due is its first hop
  const InProcessReport report = runtime_->block_on(scenarios::pass_tokens(*runtime_, ring, 0, 1));
  EXPECT_EQ(report.operations, 0U);
  EXPECT_EQ(report.errors, 1U);
}

TEST_F(Saboteur, ParcelsOutOfOrderDoubledAndFromNobody) {
  scenarios::Collection table{2};
  for (const scenarios::Parcel parcel : {scenarios::Parcel{0, 1}, {0, 1}, {1, 2}, {7, 1}, {0, 2}})
    ASSERT_TRUE(table.channel.try_send(scenarios::Parcel{parcel}));
  runtime_->block_on(scenarios::collect_parcels(table, 5, report_));
  EXPECT_EQ(report_.operations, 2U);
  EXPECT_EQ(report_.errors, 3U);
}

TEST_F(Saboteur, RoundThatWasMissed) {
  scenarios::Broadcast table{1};
  table.unanswered = 2;
  table.number = 2;
  table.notified[0].set();
  const InProcessReport report = runtime_->block_on(scenarios::receive_all(table, 0, 1));
  EXPECT_EQ(report.errors, 1U);
}

TEST_F(Saboteur, WaitThatEndsInsteadOfBeingCancelled) {
  std::vector<BasicAsyncFd<IRuntime>> sources;
  sources.push_back(BasicAsyncFd<IRuntime>::own(*runtime_, scenarios::make_eventfd()));
  scenarios::put(sources[0].fd(), 1);
  EXPECT_EQ(runtime_->block_on(scenarios::cancel_at_once(*runtime_, sources, 2)), 1U);
}

TEST_F(Saboteur, ReferenceToAnotherRuntime) {
  const auto other = make_runtime("arc_mutex");
  EXPECT_TRUE(runtime_->block_on(scenarios::leads_home(*runtime_, runtime_->ref())));
  EXPECT_FALSE(runtime_->block_on(scenarios::leads_home(*runtime_, other->ref())));
}

TEST_F(Saboteur, WakeWhoseNumberGoesBack) {
  scenarios::Summons table;
  JoinHandle<void> summoned = runtime_->spawn(scenarios::be_summoned(table, 9));
  runtime_->block_on([](scenarios::Summons& given) -> Task<> {
    co_await given.parked.wait();
    for (const std::uint64_t number : {5, 4, 9}) {
      given.number = number;
      given.waker.wake();
      co_await yield();
    }
  }(table));
  runtime_->block_on([](JoinHandle<void> handle) -> Task<> { co_await handle; }(std::move(summoned)));
  EXPECT_EQ(table.polls, 3U);
  EXPECT_EQ(table.backwards, 1U);
}

TEST(Flood, NumbersThatGoBackOrBeyondAreWrong) {
  scenarios::FloodTable table{1};
  table.floods[0].count = 9;
  std::uint64_t unfinished = 0;
  for (const auto& [number, right] : {std::pair{3, true}, {2, false}, {9, true}, {10, false}}) {
    table.floods[0].number = number;
    EXPECT_EQ(scenarios::look(table, unfinished), right) << number;
  }
  table.floods[0].number = 9;
  (void)scenarios::look(table, unfinished);
  EXPECT_EQ(unfinished, 0U);
}

}  // namespace
}  // namespace reactorlab::bench
