#include "harness/conformance/child_run.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <system_error>

#include "core/flavour.hpp"
#include "harness/conformance/quiescence.hpp"
#include "harness/conformance/real_objects.hpp"
#include "harness/conformance/selection.hpp"

extern "C" char** environ;

namespace reactorlab::conformance {
namespace {

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

}  // namespace

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

std::string verdict(const Ending& ending) {
  if (ending.timed_out) return "it didn't end";
  if (WIFSIGNALED(ending.wait_status)) return fmt::format("signal {}", WTERMSIG(ending.wait_status));
  const int status = WEXITSTATUS(ending.wait_status);
  if (status == 0 || status == exit_skipped) return {};
  if (status == 2 || status == exit_no_match) throw std::runtime_error{"the child couldn't start: " + ending.said};
  return status == exit_hung ? "it hung" : "it failed";
}

}  // namespace reactorlab::conformance
