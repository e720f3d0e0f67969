#include "harness/conformance/process_state.hpp"

#include <dirent.h>

#include <filesystem>
#include <memory>
#include <thread>

namespace reactorlab::conformance {
namespace {

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
    open[fd] = what;
  }
  return open;
}

std::size_t threads() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& thread : std::filesystem::directory_iterator{"/proc/self/task"}) ++count;
  return count;
}

}  // namespace

ProcessState ProcessState::now() { return {open_descriptors(), conformance::threads()}; }

ProcessState ProcessState::settled_like(const ProcessState& before) {
  for (int look = 0; look < 10'000 && conformance::threads() > before.threads; ++look) std::this_thread::yield();
  return now();
}

}  // namespace reactorlab::conformance
