#include "harness/bench/server_process.hpp"

#include "harness/bench/become_engine.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

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

constexpr std::size_t kLongestLine = 200;  ///< of what a server says instead of READY

std::vector<std::string> arguments_of(const ServerProcess::Options& options) {
  const Entry& entry = options.entry;
  std::vector<std::string> words = options.under;
  words.push_back(options.under.empty() ? "bench" : options.executable);
  words.insert(words.end(), {"serve", "--impl=" + impl_word(entry), fmt::format("--workers={}", entry.workers), "--die-with-parent"});
  if (!entry.backend.empty()) words.push_back("--backend=" + entry.backend);
  if (!entry.locking.empty()) words.push_back("--locking=" + entry.locking);
  if (options.proto != "echo") words.push_back("--proto=" + options.proto);
  if (!options.path.empty()) words.push_back("--path=" + options.path);
  if (options.cpu) words.push_back(fmt::format("--cpu={}", *options.cpu));
  if (options.spin_per_mib != 0) words.push_back(fmt::format("--spin-per-mib={}", options.spin_per_mib));
  if (entry.external != nullptr) words.push_back("--engine-entry=" + to_word(*entry.external));
  return words;
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// Its own process group, so that a terminal's Ctrl-C reaches the driver alone; default signals, none blocked.
void set_attributes(posix_spawnattr_t& attributes) {
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

/// Waits until `fd` is readable; false when the time is over.
bool wait_readable(int fd, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd poll_fd{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&poll_fd, 1, left > 0 ? static_cast<int>(left) : 0);
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

/// The port in a line `READY port=N`; nothing in any other line.
std::optional<std::uint16_t> port_in(const std::string& line) {
  constexpr std::string_view kPrefix = "READY port=";
  if (!line.starts_with(kPrefix)) return std::nullopt;
  std::uint16_t port = 0;
  const char* const end = line.data() + line.size();
  const auto [rest, error] = std::from_chars(line.data() + kPrefix.size(), end, port);
  return error == std::errc{} && rest == end && port != 0 ? std::optional(port) : std::nullopt;
}

/// `serve` prints its statistics as the last line of standard error.
nlohmann::json last_json_line(const std::string& text) {
  const auto begin = text.rfind('\n') == std::string::npos ? text.find('{') : text.rfind('\n') + 1;
  if (begin == std::string::npos) return nullptr;
  auto report = nlohmann::json::parse(text.substr(begin), nullptr, false);
  return report.is_discarded() ? nlohmann::json(nullptr) : report;
}

}  // namespace

ServerProcess::ServerProcess(const Options& options) : external_(options.entry.external != nullptr), path_(options.path) {
  std::array<int, 2> in{}, out{};
  if (::pipe2(in.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::system_category(), "pipe for a server");
  stdin_fd_ = in[1];
  if (::pipe2(out.data(), O_CLOEXEC) != 0) {
    for (const int fd : in) ::close(fd);
    throw std::system_error(errno, std::system_category(), "pipe for a server");
  }
  stdout_fd_ = out[0];
  stderr_fd_ = ::memfd_create("server-stderr", MFD_CLOEXEC);

  std::vector<std::string> words = arguments_of(options);
  std::vector<std::string> variables = {"REACTORLAB_PADDING=" + std::string(options.environment_padding, 'x')};
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  if (stderr_fd_ >= 0) ::posix_spawn_file_actions_adddup2(&actions, stderr_fd_, STDERR_FILENO);
  ::posix_spawnattr_init(&attributes);
  set_attributes(attributes);
  const std::string& program = options.under.empty() ? options.executable : options.under.front();
  const int error =
      ::posix_spawn(&pid_, program.c_str(), &actions, &attributes, pointers_to(words).data(), pointers_to(variables).data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(in[0]);
  ::close(out[1]);
  if (error != 0) {
    for (const int fd : {stdin_fd_, stdout_fd_, stderr_fd_})
      if (fd >= 0) ::close(fd);
    throw std::system_error(error, std::system_category(), "cannot start " + program);
  }
  pid_fd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
}

ServerProcess::~ServerProcess() {
  reap();
  for (const int fd : {pid_fd_, stdin_fd_, stdout_fd_, stderr_fd_})
    if (fd >= 0) ::close(fd);
}

std::uint16_t ServerProcess::wait_ready(std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  std::string line;
  while (line.find('\n') == std::string::npos && line.size() < kLongestLine) {
    std::array<char, 256> chunk;
    if (!wait_readable(stdout_fd_, deadline))
      throw std::runtime_error(
          fmt::format("the server wasn't READY within {} ms: it has to print READY port=N, a whole line, and to flush it{}",
                      limit.count(), stderr_text()));
    const ssize_t n = ::read(stdout_fd_, chunk.data(), chunk.size());
    if (n <= 0) {
      (void)wait_exit(std::chrono::seconds(1));
      reap();
      throw std::runtime_error("the server ended before it was READY: " + end_text() + stderr_text());
    }
    line.append(chunk.data(), static_cast<std::size_t>(n));
  }
  line.resize(std::min(line.find('\n'), kLongestLine));
  if (!path_.empty() && line == "READY path=" + path_) return 0;
  if (const auto port = port_in(line)) return *port;
  throw std::runtime_error(
      fmt::format("the server said '{}' instead of READY port=N, which has to be its first line; others belong to stderr", line));
}

ServerEnd ServerProcess::stop(std::chrono::milliseconds limit) {
  if (wait_exit(std::chrono::milliseconds(0))) {
    reap();
    throw std::runtime_error("the server ended by itself: " + end_text() + stderr_text());
  }
  ::close(std::exchange(stdin_fd_, -1));
  ::kill(pid_, SIGTERM);
  const bool in_time = wait_exit(limit);
  reap();
  if (!in_time)
    throw std::runtime_error(fmt::format("the server didn't end within {} ms after SIGTERM{}", limit.count(), stderr_text()));
  if (!ended_in_order()) throw std::runtime_error("the server didn't end in order: " + end_text() + stderr_text());
  return {last_json_line(stderr_text()), usage_};
}

bool ServerProcess::wait_exit(std::chrono::milliseconds limit) { return wait_readable(pid_fd_, Clock::now() + limit); }

void ServerProcess::reap() noexcept {
  if (reaped_) return;
  ::kill(-pid_, SIGKILL);  // it has ended or is to end now, and so is whatever it started
  while (::wait4(pid_, &status_, 0, &usage_) < 0 && errno == EINTR) {
  }
  reaped_ = true;
}

bool ServerProcess::ended_in_order() const {
  return (WIFEXITED(status_) && WEXITSTATUS(status_) == 0) || (external_ && WIFSIGNALED(status_) && WTERMSIG(status_) == SIGTERM);
}

std::string ServerProcess::end_text() const {
  if (WIFSIGNALED(status_)) return fmt::format("killed by signal {} ({})", WTERMSIG(status_), ::strsignal(WTERMSIG(status_)));
  return fmt::format("exit status {}", WEXITSTATUS(status_));
}

/// Its last words on standard error, led in by ": "; empty where it had none.
std::string ServerProcess::stderr_text() const {
  std::array<char, 4096> text;
  const off_t size = ::lseek(stderr_fd_, 0, SEEK_END);
  const off_t from = size > static_cast<off_t>(text.size()) ? size - static_cast<off_t>(text.size()) : 0;
  const ssize_t n = ::pread(stderr_fd_, text.data(), text.size(), from);
  if (n <= 0) return {};
  std::string words(text.data(), static_cast<std::size_t>(n));
  while (!words.empty() && words.back() == '\n') words.pop_back();
  return ": " + words;
}

}  // namespace reactorlab::bench
