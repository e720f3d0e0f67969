// Peers in their shapes: how they are named and chosen, what the kernel sees of them, what an operation takes.
#include "harness/bench/thread_server.hpp"
#include "harness/bench/usage.hpp"
#include "harness/load/endpoint.hpp"
#include "harness/load/load.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace reactorlab::bench {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

std::vector<std::string> names_of(const EntryFilter& filter) {
  std::vector<std::string> names;
  for (const Entry& entry : choose_entries(impls(), filter).entries) names.push_back(entry.label);
  return names;
}

bool has_impl(const std::string& name) {
  const auto names = names_of({.impls = {"everything"}});
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string why_absent(const std::string& name) {
  return name.ends_with(":uring") ? name + " needs io_uring, and liburing when it is built" : name + " isn't in this build";
}

/// For what not every build and machine has.
#define REQUIRE_IMPL(name) \
  if (!has_impl(name)) GTEST_SKIP() << why_absent(name)

TEST(Shapes, AreChosenByNameAndByEverythingButNotByAll) {
  REQUIRE_IMPL("asio:per_thread");
  EXPECT_THAT(names_of({.impls = {"asio:per_thread"}}), testing::ElementsAre("asio:per_thread"));
  EXPECT_THAT(names_of({.impls = {"everything"}}), Contains("asio:per_thread"));
  EXPECT_THAT(names_of({.impls = {"everything"}}), Contains("asio"));
  EXPECT_THAT(names_of({.impls = {"all"}}), Contains("asio"));
  for (const std::string& name : names_of({.impls = {"all"}})) EXPECT_THAT(name, Not(HasSubstr(":")));
}

/// tier_test says how long a tier takes for ten.
TEST(Shapes, LeaveAllAsLongAsATierHasTimeFor) { EXPECT_LE(names_of({.impls = {"all"}}).size(), 10U); }

TEST(Shapes, OfAPeerThatHasNoSuchShapeAreAUsageError) {
  EXPECT_THROW((void)names_of({.impls = {"asio:sideways"}}), UsageError);
  EXPECT_THROW((void)names_of({.impls = {"raw_epoll:"}}), UsageError);
}

TEST(Shapes, OnlyServe) {
  REQUIRE_IMPL("asio:shared");
  EXPECT_THROW((void)make_engine("asio:shared")->run_in_process({.workload = "yield"}), NotApplicable);
}

/// How many descriptors of this process are `kind`, as /proc names it.
std::size_t open_descriptors(const std::string& kind) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    if (std::filesystem::read_symlink(entry.path(), error).string() == "anon_inode:" + kind) ++count;
  }
  return count;
}

Entry entry_of(const std::string& name, unsigned workers = 1) {
  return choose_entries(impls(), {.impls = {name}, .workers = workers}).entries.front();
}

/// How many event queues of the kernel a server of this kind makes: epoll instances, rings.
std::pair<std::size_t, std::size_t> queues_of(const std::string& name, unsigned workers) {
  const std::size_t epolls = open_descriptors("[eventpoll]"), rings = open_descriptors("[io_uring]");
  const ThreadServer server(entry_of(name, workers));
  return {open_descriptors("[eventpoll]") - epolls, open_descriptors("[io_uring]") - rings};
}

using Queues = std::pair<std::size_t, std::size_t>;

TEST(Shapes, TheTwoAsiosOfOneProcessKeepTheirBackends) {
  REQUIRE_IMPL("asio:uring");
  EXPECT_EQ(queues_of("asio", 1), Queues(1, 0));
  EXPECT_EQ(queues_of("asio:uring", 1), Queues(0, 1));
  EXPECT_EQ(queues_of("asio", 1), Queues(1, 0));
}

/// Two definitions of the same name in one process would be one: nothing of the second Asio may be visible.
TEST(Shapes, NothingOfTheSecondAsioIsVisible) {
  REQUIRE_IMPL("asio:uring");
  void* library = ::dlopen("libimpl_asio_uring.so", RTLD_LAZY | RTLD_NOLOAD);
  ASSERT_NE(library, nullptr) << "it is loaded with the program";
  EXPECT_NE(::dlsym(library, "_ZN10reactorlab22make_asio_uring_engineEv"), nullptr);
  EXPECT_EQ(::dlsym(library, "_ZN10reactorlab9asio_peer10EchoServer3runEj"), nullptr);
  ::dlclose(library);
}

TEST(Shapes, HaveAsManyEventQueuesAsTheySay) {
  const std::vector<std::pair<std::string, std::size_t>> epolls_of_three_workers = {
      {"asio:per_thread", 3},  {"asio:shared", 1},     {"asio:dedicated", 1}, {"raw_epoll:shared", 1},
      {"libuv:per_thread", 3}, {"libuv:dedicated", 4}, {"libevent", 3}};
  for (const auto& [name, epolls] : epolls_of_three_workers) {
    if (!has_impl(name)) continue;
    EXPECT_EQ(queues_of(name, 3), Queues(epolls, 0)) << name;
  }
}

/// From here on io_uring_setup(2) of this process fails as the sysctl makes it fail.
bool forbid_rings() {
  std::array<sock_filter, 4> code = {{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  sock_fprog program{.len = code.size(), .filter = code.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/// In a child: 0 if both the question and the attempt name the remedy.
int exit_status_without_rings(Engine& engine) {
  constexpr const char* kRemedy = "kernel.io_uring_disabled";
  if (!forbid_rings()) return 1;
  if (engine.obstacle().value_or("").find(kRemedy) == std::string::npos) return 2;
  try {
    (void)engine.serve({});
    return 3;
  } catch (const std::system_error& refused) {
    return std::string(refused.what()).find(kRemedy) == std::string::npos ? 4 : 0;
  }
}

TEST(ShapesWithoutRings, NameCauseAndRemedy) {
  for (const Impl& impl : impls()) {
    if (impl.kind != ImplKind::Peer || impl.info.backends.front() != "uring") continue;
    EXPECT_EXIT(std::_Exit(exit_status_without_rings(*impl.make())), testing::ExitedWithCode(0), "") << impl.name;
  }
}

/// Serves a short closed loop of small messages, checks each answer. -> what the engine counted, and how many messages there were.
struct Served {
  ServeReport report;
  std::uint64_t messages = 0;
  std::uint64_t counter(const char* name) const { return report.counters.at(name); }
};

constexpr std::size_t kConns = 32;

Served serve_small_messages(const std::string& name, unsigned workers) {
  ThreadServer server(entry_of(name, workers));
  load::LoadOptions options;
  options.endpoint = load::loopback_endpoint(server.port());
  options.conns = kConns;
  options.payload = 64;
  options.pipeline = 1;
  options.warmup = 1ms;
  options.duration = 20ms;
  options.patience = 20s;
  const load::LoadResult result = load::run_load(options);
  EXPECT_EQ(result.error, "") << name;
  Served served{.report = server.stop(), .messages = result.messages_total};
  EXPECT_EQ(served.report.connections, kConns) << name;
  EXPECT_GE(served.messages, kConns) << name;
  return served;
}

/// A receive and a send per message, the receive of each connection's end, and no registration but the first.
TEST(ShapesCount, RawEpoll) {
  const Served served = serve_small_messages("raw_epoll", 1);
  EXPECT_EQ(served.counter("send"), served.messages);
  EXPECT_GE(served.counter("recv"), served.messages);
  EXPECT_LE(served.counter("recv"), served.messages + kConns);
  EXPECT_EQ(served.counter("epoll_ctl"), kConns);
}

/// EPOLLONESHOT: each message arms its connection again, whoever of the threads had it.
TEST(ShapesCount, RawEpollShared) {
  for (const unsigned workers : {1U, 3U}) {
    const Served served = serve_small_messages("raw_epoll:shared", workers);
    EXPECT_EQ(served.counter("send"), served.messages);
    EXPECT_GE(served.counter("recv"), served.messages);
    EXPECT_LE(served.counter("recv"), served.messages + kConns);
    EXPECT_EQ(served.counter("epoll_ctl"), served.messages + kConns);
    EXPECT_EQ(served.counter("full_send_buffers"), 0U);
  }
}

/// As raw_epoll: registered once, level-triggered.
TEST(ShapesCount, Libevent) {
  REQUIRE_IMPL("libevent");
  for (const unsigned workers : {1U, 3U}) {
    const Served served = serve_small_messages("libevent", workers);
    EXPECT_EQ(served.counter("send"), served.messages);
    EXPECT_GE(served.counter("recv"), served.messages);
    EXPECT_LE(served.counter("recv"), served.messages + kConns);
  }
}

/// A batch may hold many messages, but no message goes alone twice.
TEST(ShapesCount, LibuvDedicated) {
  REQUIRE_IMPL("libuv:dedicated");
  for (const unsigned workers : {1U, 3U}) {
    const Served served = serve_small_messages("libuv:dedicated", workers);
    EXPECT_GE(served.counter("hand_overs"), 1U);
    EXPECT_LE(served.counter("hand_overs"), served.messages);
    EXPECT_EQ(served.counter("full_send_buffers"), 0U);
  }
}

}  // namespace
}  // namespace reactorlab::bench
