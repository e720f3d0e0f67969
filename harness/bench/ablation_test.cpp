// Ablations as entries: what their files say, which entry they vary, and that each of them serves.
#include "harness/bench/ablated_entries.hpp"
#include "harness/bench/ablation_definition.hpp"
#include "harness/bench/attentive_listener.hpp"
#include "harness/bench/in_process_child.hpp"
#include "harness/bench/run_plan.hpp"
#include "harness/bench/served_workloads.hpp"
#include "harness/bench/thread_server.hpp"
#include "harness/bench/usage.hpp"
#include "harness/load/endpoint.hpp"
#include "harness/load/load.hpp"
#include "harness/scenarios/echo.hpp"
#include "reactorlab/homes.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <fstream>
#include <functional>
#include <optional>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace reactorlab::bench {

/// For GoogleTest's messages.
static void PrintTo(const Entry& entry, std::ostream* out) { *out << entry.label; }

namespace {

using testing::HasSubstr;
using Labels = std::vector<std::string>;
using namespace std::chrono_literals;

std::vector<Entry> homes() { return choose_entries(variant_impls(), {.impls = {"all"}}).entries; }

std::vector<Entry> all_ablated() {
  std::vector<Entry> all = with_ablations(homes(), {"all"});
  std::erase_if(all, [](const Entry& entry) { return entry.ablation.empty(); });
  return all;
}

Labels labels_of(const std::vector<Entry>& entries) {
  Labels labels;
  for (const Entry& entry : entries) labels.push_back(entry.label);
  return labels;
}

// --- the definitions --------------------------------------------------------------------------------------------------------

/// Files and homes name the same ablations: what a file says can be varied can be made, and the reverse.
TEST(AblationFiles, AreThoseOfTheHomes) {
  for (const Entry& entry : homes()) {
    const RuntimeOptions options{.locking = entry.locking == "fine" ? Locking::fine : Locking::coarse};
    const Ablations has =
        with_runtime_type(entry.impl, options, [](auto type) { return decltype(type)::type::description.ablations; });
    for (const Ablation ablation : all_ablations) {
      const AblationDefinition* const definition = find_ablation(name_of(ablation));
      ASSERT_NE(definition, nullptr) << name_of(ablation);
      EXPECT_EQ(has.has(ablation), can_vary(*definition, entry)) << entry.label << " " << name_of(ablation);
    }
  }
  std::set<std::string> of_the_runtime, in_files;
  for (const Ablation ablation : all_ablations) of_the_runtime.emplace(name_of(ablation));
  for (const AblationDefinition& one : ablations())
    if (one.left_out.empty() && one.serves.empty()) in_files.insert(one.name);
  EXPECT_EQ(in_files, of_the_runtime) << "those that serve otherwise are the bench's own";
}

TEST(AblationFiles, SayWhatIsIsolatedAndWhatWasExpected) {
  for (const AblationDefinition& one : ablations()) {
    EXPECT_THAT(line_about(one), HasSubstr(one.name));
    EXPECT_THAT(text_about(one), HasSubstr(one.name));
    if (!one.left_out.empty()) {
      EXPECT_THAT(line_about(one), HasSubstr(one.left_out));
      continue;
    }
    EXPECT_THAT(text_about(one), HasSubstr(one.isolates.substr(0, one.isolates.find(' '))));
    EXPECT_TRUE(one.expected.contains("tcp_echo")) << one.name;
    EXPECT_EQ(json_of(one).at("hypothesis").at("written"), one.written);
  }
}

TEST(AblationFiles, ErrorsNameTheFileAndTheField) {
  const nlohmann::json sound = {
      {"name", "x"},
      {"varies", {"arc_mutex"}},
      {"summary", "s"},
      {"isolates", "i"},
      {"hypothesis", {{"expected", {{"tcp_echo", "dearer"}}}, {"because", "b"}, {"source", "s"}, {"written", "2026-11-29"}}}};
  const auto error_of = [](const nlohmann::json& definition) -> std::string {
    const std::string text = definition.dump();
    try {
      (void)ablation_from({"x.json", text});
    } catch (const DefinitionError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(error_of(sound), "");
  const std::pair<std::function<void(nlohmann::json&)>, std::string> damages[] = {
      {[](auto& x) { x.erase("isolates"); }, "x.json: isolates: is missing"},
      {[](auto& x) { x["name"] = "y"; }, "x.json: name: has to be"},
      {[](auto& x) { x["varies"] = "arc_mutex"; }, "x.json: varies: has to be"},
      {[](auto& x) {
         x["hypothesis"]["expected"] = {{"tcp_ecko", "dearer"}};
       },
       "tcp_ecko"},
      {[](auto& x) {
         x["hypothesis"]["expected"] = {{"tcp_echo", "slower"}};
       },
       "slower"},
      {[](auto& x) { x["hypothesis"]["expected"] = nlohmann::json::object(); }, "at least one workload"},
      {[](auto& x) { x["hypothesis"]["written"] = "today"; }, "x.json: hypothesis: written: has to be"},
      {[](auto& x) { x["left_out"] = "no"; }, "unknown field 'hypothesis'"},
      {[](auto& x) { x["lokking"] = "coarse"; }, "lokking"}};
  for (const auto& [damage, said] : damages) {
    nlohmann::json definition = sound;
    damage(definition);
    EXPECT_THAT(error_of(definition), HasSubstr(said));
  }
}

// --- the entries -------------------------------------------------------------------------------------------------------------

std::vector<Entry> chosen(const Labels& labels) { return choose_entries(impls(), {.impls = labels}).entries; }

TEST(AblatedEntries, StandBesideWhatTheyVary) {
  const auto entries = chosen({"raw_epoll", "arc_mutex", "arc_mutex+fine", "dedicated_thread"});
  EXPECT_EQ(labels_of(with_ablations(entries, {"held_lock", "spin_then_park"})),
            (Labels{"raw_epoll", "arc_mutex", "arc_mutex~held_lock", "arc_mutex~spin_then_park", "arc_mutex+fine",
                    "arc_mutex+fine~spin_then_park", "dedicated_thread", "dedicated_thread~spin_then_park"}));
  EXPECT_EQ(labels_of(with_ablations(entries, {})), labels_of(entries));
  EXPECT_EQ(labels_of(with_ablations(chosen({"thread_local"}), {"all", "oneshot"})),
            (Labels{"thread_local", "thread_local~always_attempt", "thread_local~level_triggered", "thread_local~oneshot",
                    "thread_local~virtual_dispatch"}));
}

TEST(AblatedEntries, CanBeNamedAlone) {
  EXPECT_EQ(labels_of(chosen({"thread_local~oneshot", "arc_mutex+fine~spin_then_park"})),
            (Labels{"thread_local~oneshot", "arc_mutex+fine~spin_then_park"}));
  const Entry entry = chosen({"arc_mutex~held_lock"}).front();
  EXPECT_EQ(entry.impl, "arc_mutex");
  EXPECT_EQ(entry.locking, "coarse");
  EXPECT_EQ(entry.ablation, "held_lock");
  EXPECT_EQ(impl_word(entry), "arc_mutex~held_lock");
  EXPECT_EQ(impl_of("arc_mutex+fine~spin_then_park#+5%"), "arc_mutex");
  EXPECT_EQ(ablation_of("arc_mutex+fine~spin_then_park#+5%"), "spin_then_park");
  EXPECT_EQ(ablation_of("engine:my-server"), "");
}

TEST(AblatedEntries, RefusesWhatCannotBe) {
  const auto entries = chosen({"raw_epoll", "arc_mutex+fine", "thread_local@uring"});
  for (const Labels& names : {Labels{"held_lok"}, Labels{"park_first"}, Labels{"held_lock"}, Labels{"oneshot"}, Labels{""}})
    EXPECT_THROW((void)with_ablations(entries, names), UsageError) << names.front();
  EXPECT_THROW((void)with_ablations(chosen({"raw_epoll"}), {"all"}), UsageError);
  for (const char* label : {"arc_mutex+fine~held_lock", "thread_local~held_lock", "raw_epoll~oneshot", "thread_local~oneshot@uring",
                            "thread_local~park_first", "thread_local~x"})
    EXPECT_THROW((void)chosen({label}), UsageError) << label;
}

TEST(AblatedEntries, AreInThePlanAndComeBackFromIt) {
  std::vector<std::string> notes;
  RunOptions options;
  options.impls = {"thread_local", "raw_epoll"};
  options.ablate = {"oneshot"};
  options.tier = "smoke";
  const RunPlan plan = make_plan(options, notes);
  ASSERT_EQ(labels_of(plan.entries), (Labels{"thread_local", "thread_local~oneshot", "raw_epoll"}));
  const RunPlan again = plan_from_json(to_json(plan));
  EXPECT_EQ(again.entries[1].ablation, "oneshot");
  EXPECT_EQ(again.entries[1].impl, "thread_local");
  nlohmann::json unknown = to_json(plan);
  unknown["entries"][1]["impl"] = "thread_local~twoshot";
  EXPECT_THROW((void)plan_from_json(unknown), std::runtime_error);
}

TEST(AblatedEntries, ReachTheProcessThatRunsThem) {
  const Entry entry = chosen({"thread_local~oneshot"}).front();
  const InProcessChildOptions options{.entry = entry, .workload = "yield", .params = {}, .operations = 1, .cpus = {}};
  EXPECT_THAT(words_of(options), testing::Contains("--ablation=oneshot"));
}

// --- they serve --------------------------------------------------------------------------------------------------------------

class ServeAblated : public testing::TestWithParam<Entry> {};

TEST_P(ServeAblated, EchoesAndStops) {
  ThreadServer server(GetParam());
  for (const std::size_t payload : {64U, 65536U}) {
    load::LoadOptions options;
    options.endpoint = load::loopback_endpoint(server.port());
    options.conns = 16;
    options.payload = payload;
    options.pipeline = 4;
    options.warmup = 2ms;
    options.duration = 10ms;
    options.patience = 20s;
    EXPECT_EQ(load::run_load(options).error, "") << payload << " B";
  }
  EXPECT_EQ(server.stop().connections, 32U);
}
INSTANTIATE_TEST_SUITE_P(Ablations, ServeAblated, testing::ValuesIn(all_ablated()), [](const auto& instance) {
  std::string name = instance.param.label;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
});

TEST(ServedForms, SayWhichWorkloadsTheyHave) {
  const Entry attentive = chosen({"thread_local~always_attempt"}).front();
  const Entry oneshot = chosen({"thread_local~oneshot"}).front();
  const Cell tcp = {"tcp_echo", workload_of("tcp_echo").usual}, udp = {"udp_echo", workload_of("udp_echo").usual};
  EXPECT_EQ(obstacle_to_serving(attentive, tcp), std::nullopt);
  EXPECT_THAT(obstacle_to_serving(attentive, udp).value_or(""), HasSubstr("always_attempt"));
  EXPECT_EQ(obstacle_to_serving(oneshot, udp), std::nullopt);
  EXPECT_THROW(
      (void)make_engine("thread_local")->run_in_process({.workload = "yield", .operations = 1, .ablation = "always_attempt"}),
      NotApplicable);
}

#if !REACTORLAB_LIBC_SYSCALLS  // libc's recv, which sanitizers see, isn't counted among a thread's reads
/// read(2) by this thread, as the kernel counts it; nothing where it doesn't.
std::optional<std::uint64_t> reads_of_this_thread() {
  std::ifstream io("/proc/thread-self/io");
  std::string name;
  for (std::uint64_t value = 0; io >> name >> value;)
    if (name == "syscr:") return value;
  return std::nullopt;
}

Task<> ask_and_wait(int client, unsigned messages) {
  std::array<char, 64> message{};
  for (unsigned i = 0; i < messages; ++i) {
    EXPECT_EQ(::send(client, message.data(), message.size(), 0), 64);
    while (::recv(client, message.data(), message.size(), MSG_DONTWAIT) < 0 && errno == EAGAIN) co_await yield();
  }
}

/// How often a session of `Listener` reads for so many messages, on one connection and one thread.
template <class Listener>
std::uint64_t reads_for(unsigned messages) {
  ThreadLocalRuntime runtime{{}};
  auto listener = Listener::bind(runtime, SocketAddress::loopback(0), {});
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = load::loopback_endpoint(listener.local_address().port());
  EXPECT_EQ(::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  scenarios::EchoCounts counts;
  runtime
      .spawn(scenarios::accept_sessions(
          runtime, std::move(listener), counts,
          [](typename Listener::Stream stream) { return scenarios::echo_session<ThreadLocalRuntime>(std::move(stream)); }))
      .detach();
  runtime.block_on(ask_and_wait(client, 2));
  const std::uint64_t before = reads_of_this_thread().value_or(0);
  runtime.block_on(ask_and_wait(client, messages));
  const std::uint64_t reads = reads_of_this_thread().value_or(0) - before;
  ::close(client);
  return reads;
}

TEST(AlwaysAttempt, ReadsTwicePerMessage) {
  if (!reads_of_this_thread()) GTEST_SKIP() << "this kernel doesn't count reads by thread (CONFIG_TASK_IO_ACCOUNTING)";
  constexpr unsigned messages = 200;
  EXPECT_NEAR(static_cast<double>(reads_for<BasicTcpListener<ThreadLocalRuntime>>(messages)), messages, 3);
  EXPECT_NEAR(static_cast<double>(reads_for<AttentiveTcpListener<ThreadLocalRuntime>>(messages)), 2 * messages, 3);
}
#endif

}  // namespace
}  // namespace reactorlab::bench
