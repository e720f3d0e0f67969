#include "harness/conformance/mutant_run.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "core/flavour.hpp"
#include "harness/conformance/real_objects.hpp"

extern "C" char** environ;

namespace reactorlab::conformance {
namespace {

/// What became of one child, and the end of what it said.
struct Ending {
  int wait_status;
  bool timed_out;
  std::string said;
};

#if REACTORLAB_SANITIZED
constexpr int child_limit_ms = 100'000;
#else
constexpr int child_limit_ms = 30'000;  // its own watchdog comes first
#endif

std::string tail_of(int file) {
  constexpr long most = 1'500;
  const long size = ::lseek(file, 0, SEEK_END);
  std::string text(static_cast<std::size_t>(std::min(size, most)), '\0');
  const ssize_t n = ::pread(file, text.data(), text.size(), size - static_cast<long>(text.size()));
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

Ending run_child(std::vector<std::string> arguments) {
  const Fd output{checked(::memfd_create("conformance", MFD_CLOEXEC), "memfd_create")};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output.get(), STDERR_FILENO);
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t pid;
  const int error = ::posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::system_error{error, std::system_category(), "posix_spawn"};

  Ending ending{};
  const Fd handle{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  pollfd entry{handle.get(), POLLIN, 0};
  ending.timed_out = ::poll(&entry, 1, child_limit_ms) == 0;
  if (ending.timed_out) ::kill(pid, SIGKILL);
  ::waitpid(pid, &ending.wait_status, 0);
  ending.said = tail_of(output.get());
  return ending;
}

/// Why the rule failed there, or nothing if it passed (or was skipped).
std::string verdict(const Ending& ending) {
  if (ending.timed_out) return "it didn't end";
  if (WIFSIGNALED(ending.wait_status)) return fmt::format("signal {}", WTERMSIG(ending.wait_status));
  const int status = WEXITSTATUS(ending.wait_status);
  if (status == 0 || status == exit_skipped) return {};
  if (status == 2 || status == exit_no_match) throw std::runtime_error{"the child couldn't start: " + ending.said};
  return status == exit_hung ? "it hung" : "it failed";
}

}  // namespace

int expect_killed(const Selection& selection, const std::vector<Configuration>& configurations) {
  constexpr std::string_view sweep = "sweep-";
  const bool sweeps = selection.rule.starts_with(sweep);
  const std::string what = sweeps ? "--sweep=" + selection.rule.substr(sweep.size()) : "--rule=" + selection.rule;
  bool any = false;
  for (const Configuration& c : configurations) {
    const auto matches = [&](const Body& body) { return selection.matches(body, c); };
    if (!sweeps && std::ranges::none_of(bodies(), matches)) continue;
    any = true;
    // Its own name too, by which death tests start it once more.
    const Ending ending =
        run_child({"/proc/self/exe", "--variant=" + c.variant, "--configuration=" + c.label, what, "--mutant=" + selection.mutant});
    if (const std::string reason = verdict(ending); !reason.empty()) {
      fmt::print("{} is killed by {} on {}: {}\n{}\n", selection.mutant, selection.rule, c.label, reason, ending.said);
      return 0;
    }
    fmt::print("{} survives {} on {}\n", selection.mutant, selection.rule, c.label);
  }
  if (!any) {
    fmt::print(stderr, "conformance: no body of {}\n", selection.rule);
    return exit_no_match;
  }
  return 1;
}

}  // namespace reactorlab::conformance
