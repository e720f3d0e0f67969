// URG: a machine without rings, or with half of what is needed.

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "core/backend_choice.hpp"
#include "harness/conformance/facilities.hpp"
#include "harness/conformance/foreign.hpp"
#include "harness/conformance/rings.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {
namespace {

/// From now on io_uring_setup(2) fails with that error on the calling thread, and on those that it starts.
void forbid_rings_here(int error) {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog program{std::size(code), code};
  checked(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
  checked(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), "PR_SET_SECCOMP");
}

/// It isn't made, and says why and what to do.
template <class Make>
void expect_refused(Make&& make, int error, std::string_view cause, std::string_view remedy) {
  try {
    const std::unique_ptr<IRuntime> made = make();
    ADD_FAILURE() << "it runs, on something else";
  } catch (const std::system_error& refused) {
    const std::string text = refused.what();
    EXPECT_EQ(refused.code().value(), error) << text;
    EXPECT_NE(text.find(cause), std::string::npos) << text;
    EXPECT_NE(text.find(remedy), std::string::npos) << text;
  }
}

}  // namespace

// --- URG-14 -------------------------------------------------------------------------------------------------------------------

RULE(URG_14, what_runs_is_a_ring) {
  NEEDS_RING();
  const auto before = Facilities::open_now();
  (void)runtime();
  const auto after = Facilities::open_now();
  ASSERT_TRUE(before && after);
  EXPECT_EQ(after->rings, before->rings + 1);
  EXPECT_EQ(after->epolls, before->epolls);
  EXPECT_EQ(runtime().info().backend, configuration().options.backend);
}

RULE(URG_14, refused) {
  NEEDS_RING();
  const std::pair<int, const char*> causes[] = {{ENOSYS, "--backend=epoll"},
                                                {EPERM, "--backend=epoll"},
                                                {EINVAL, "--backend=epoll"},
                                                {EMFILE, "ulimit -n"},
                                                {ENOMEM, "ulimit -l"}};
  for (const auto& [error, remedy] : causes) {
    Script script;
    script.fail(sys::Op::epoll_create1, Script::any_fd, error);
    expect_refused([&] { return make(); }, error, "io_uring_setup", remedy);
  }
  EXPECT_EQ(runtime().block_on([]() -> Task<int> { co_return 7; }()), 7);
}

RULE(URG_14, forbidden_by_the_kernel) {
  NEEDS_RING();
  for (const int error : {EPERM, ENOSYS}) {
    on_another_thread([&] {
      forbid_rings_here(error);
      expect_refused([&] { return make(); }, error, "io_uring_setup", "--backend=epoll");
    });
  }
  EXPECT_EQ(runtime().block_on([]() -> Task<int> { co_return 7; }()), 7);
}

RULE(URG_14, automatic_says_what_it_fell_back_from) {
  NEEDS_RING();
  EXPECT_EQ(best_backend().backend, Backend::uring);
  EXPECT_EQ(best_backend().fell_back, "");
  on_another_thread([] {
    forbid_rings_here(EPERM);
    const BackendChoice instead = best_backend();
    EXPECT_EQ(instead.backend, Backend::epoll);
    EXPECT_NE(instead.fell_back.find("forbidden here"), std::string::npos) << instead.fell_back;
  });
  Script script;
  const auto no_such_registration = [](sys::Call& call) { return call.size == 0 ? std::optional<long>{-EINVAL} : std::nullopt; };
  script.on(sys::Op::mmap, Script::any_fd, no_such_registration, 1, Script::forever);
  const BackendChoice instead = best_backend();
  EXPECT_EQ(instead.backend, Backend::uring_poll);
  EXPECT_NE(instead.fell_back.find("buffers"), std::string::npos) << instead.fell_back;
}

RULE(URG_14, buffers_cant_be_provided) {
  NEEDS_COMPLETION();
  Script script;
  const auto no_such_registration = [](sys::Call& call) { return call.size == 0 ? std::optional<long>{-EINVAL} : std::nullopt; };
  script.on(sys::Op::mmap, Script::any_fd, no_such_registration, 1, Script::forever);
  expect_refused([&] { return make(); }, EINVAL, "buffers", "--backend=uring_poll");
  script.let_through();
  EXPECT_EQ(runtime().block_on([]() -> Task<int> { co_return 7; }()), 7);
}

RULE(URG_14, a_flag_that_this_kernel_doesnt_know) {
  NEEDS_COMPLETION();
  Script script;
  SyncPoints points;
  // A request that ends as one does whose flags are refused.
  const auto refuse = [](io_uring_cqe& completion) {
    if (completion.res == -ECANCELED) completion.res = -EINVAL;
  };
  script.alter(RingRequest::receive, refuse);
  IRuntime& rt = runtime();
  Pair pair = socket_pair();
  const int fd = pair.ours.get();
  rt.block_on([&]() -> Task<> {
    auto stream = stream_over(rt, std::move(pair.ours));
    const auto reads = [&]() -> Task<> {
      const Lease lease = co_await stream.read_lease();
      EXPECT_EQ(text_of(lease.bytes()), "done without it");
    };
    auto reader = co_await spawn_parked(rt, points, reads());
    co_await events_dispatched(rt);
    EXPECT_TRUE(end_request(script.epoll_of(fd), user_data(script.token_of(fd), RingRequest::receive)));
    co_await events_dispatched(rt);
    put(pair.peer.get(), "done without it");
    co_await reader;
  }());
}

}  // namespace reactorlab::conformance
