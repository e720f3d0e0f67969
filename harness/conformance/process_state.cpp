#include "harness/conformance/process_state.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "harness/conformance/kernel_tap.hpp"

namespace reactorlab::conformance {
namespace {

/// A name is anybody's to change: what was inherited as a log of ctest's is another process's to rename or to delete meanwhile.
std::string file_behind(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return "a file";
  return "file " + std::to_string(status.st_ino) + " of device " + std::to_string(status.st_dev);
}

std::map<int, std::string> open_descriptors() {
  std::map<int, std::string> open;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder{::opendir("/proc/self/fd"), &::closedir};
  while (const dirent* entry = folder ? ::readdir(folder.get()) : nullptr) {
    if (entry->d_name[0] == '.') continue;
    const int fd = std::stoi(entry->d_name);
    if (fd == ::dirfd(folder.get())) continue;
    std::error_code gone;
    const std::string what = std::filesystem::read_symlink(std::string{"/proc/self/fd/"} + entry->d_name, gone).string();
    if (gone || what.starts_with("/proc/")) continue;  // the quiescence monitor's, which looks around there
    open[fd] = what.starts_with('/') ? file_behind(fd) : what;
  }
  return open;
}

std::size_t threads() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& thread : std::filesystem::directory_iterator{"/proc/self/task"}) ++count;
  return count;
}

/// The letter that /proc gives the state of a thread; '?' if it has gone.
char state_of(const std::filesystem::path& task) {
  std::ifstream file{task / "stat"};
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(") ");  // the name may hold anything
  return name_end == std::string::npos ? '?' : line[name_end + 2];
}

}  // namespace

Threads threads_but(const std::set<int>& ignored) {
  Threads threads;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/task", gone}) {
    const int id = std::stoi(entry.path().filename().string());
    if (ignored.contains(id)) continue;
    ThreadState state;
    std::ifstream status{entry.path() / "status"};
    for (std::string line; std::getline(status, line);) {
      const auto value = [&](std::string_view key) {
        return line.starts_with(key) ? std::optional{line.substr(key.size() + 1)} : std::nullopt;
      };
      if (const auto letter = value("State:")) state.state = letter->front();
      if (const auto name = value("Name:")) state.name = *name;
      if (const auto n = value("voluntary_ctxt_switches:")) state.switches += std::stoul(*n);
      if (const auto n = value("nonvoluntary_ctxt_switches:")) state.switches += std::stoul(*n);
    }
    threads.emplace(id, state);
  }
  return threads;
}

bool all_sleep(const Threads& threads) {
  for (const auto& [id, thread] : threads) {
    if (thread.state != 'S') return false;
  }
  return true;
}

bool came_to_rest(std::set<int> ignored) {
  ignored.insert(::gettid());
  const std::uint64_t calls_before = KernelTap::instance().progress();
  Threads before;
  while (KernelTap::instance().progress() - calls_before <= 200) {
    // Who sleeps in both readings and hasn't left a CPU since the first has slept at the moment between them.
    const bool timed = KernelTap::instance().timed_waits() != 0;
    Threads now = threads_but(ignored);
    if (!timed && all_sleep(now) && now == before) return true;
    before = std::move(now);
    std::this_thread::yield();
  }
  return false;
}

bool all_others_sleep() {
  const std::string mine = std::to_string(::gettid());
  for (const auto& task : std::filesystem::directory_iterator{"/proc/self/task"}) {
    if (task.path().filename() != mine && state_of(task.path()) != 'S') return false;
  }
  return true;
}

void prepare_process() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // what a body said is read after it crashed, too
  rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {  // some rules hold a thousand connections at once
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  KernelTap::instance();
}

ProcessState ProcessState::now() { return {open_descriptors(), conformance::threads()}; }

ProcessState ProcessState::settled_like(const ProcessState& before) {
  for (int look = 0; look < 10'000 && conformance::threads() > before.threads; ++look) std::this_thread::yield();
  return now();
}

}  // namespace reactorlab::conformance
