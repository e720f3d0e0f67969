#include "harness/bench/in_process_spawn.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace reactorlab::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// What a child writes goes to a memory file: it never blocks, and nobody has to read meanwhile.
class MemoryFile {
 public:
  explicit MemoryFile(const char* name) : fd_{::memfd_create(name, MFD_CLOEXEC)} {
    if (fd_ < 0) throw std::system_error(errno, std::system_category(), "memfd_create");
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] std::string text() const {
    std::string all(static_cast<std::size_t>(std::max<off_t>(::lseek(fd_, 0, SEEK_END), 0)), '\0');
    const ssize_t n = ::pread(fd_, all.data(), all.size(), 0);
    all.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    return all;
  }

 private:
  int fd_;
};

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// In a process group of its own, so that a terminal's Ctrl-C reaches the driver alone; default signals, none blocked.
pid_t spawn(const ChildRequest& request, const MemoryFile& out, const MemoryFile& err) {
  std::vector<std::string> words = request.under;
  words.push_back(request.under.empty() ? "bench" : request.executable);
  words.insert(words.end(), request.words.begin(), request.words.end());
  std::vector<std::string> variables = {"REACTORLAB_PADDING=" + std::string(request.environment_padding, 'x')};
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out.fd(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err.fd(), STDERR_FILENO);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  pid_t pid = -1;
  const std::string& program = request.under.empty() ? request.executable : request.under.front();
  const int error =
      ::posix_spawn(&pid, program.c_str(), &actions, &attributes, pointers_to(words).data(), pointers_to(variables).data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::system_error(error, std::system_category(), "cannot start " + program);
  return pid;
}

/// False: it was killed, because its time is over or nobody wants the result any more.
bool wait_for_end(pid_t pid, const ChildRequest& request) {
  constexpr int look_every_ms = 100;
  const int pid_fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  const auto deadline = Clock::now() + request.limit;
  bool ended = false;
  while (!ended && Clock::now() < deadline && !(request.cancel != nullptr && request.cancel->load())) {
    pollfd poll_fd{.fd = pid_fd, .events = POLLIN, .revents = 0};
    ended = ::poll(&poll_fd, 1, look_every_ms) > 0;
  }
  if (!ended) ::kill(pid, SIGKILL);
  if (pid_fd >= 0) ::close(pid_fd);
  return ended;
}

std::string last_words(const MemoryFile& err) {
  constexpr std::size_t enough = 2000;
  std::string text = err.text();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.size() > enough) text.erase(0, text.size() - enough);
  return text.empty() ? text : ": " + text;
}

}  // namespace

ChildEnd run_child(const ChildRequest& request) {
  const MemoryFile out("child-stdout"), err("child-stderr");
  const pid_t pid = spawn(request, out, err);
  const bool ended = wait_for_end(pid, request);
  int status = 0;
  ChildEnd end;
  while (::wait4(pid, &status, 0, &end.usage) < 0 && errno == EINTR) {
  }
  if (!ended && request.cancel != nullptr && request.cancel->load()) throw std::runtime_error("interrupted");
  if (!ended) throw std::runtime_error(fmt::format("it didn't end within {} ms{}", request.limit.count(), last_words(err)));
  if (WIFSIGNALED(status))
    throw std::runtime_error(
        fmt::format("killed by signal {} ({}){}", WTERMSIG(status), ::strsignal(WTERMSIG(status)), last_words(err)));
  if (WEXITSTATUS(status) != 0) throw std::runtime_error(fmt::format("exit status {}{}", WEXITSTATUS(status), last_words(err)));
  end.output = out.text();
  return end;
}

}  // namespace reactorlab::bench
