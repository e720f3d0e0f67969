#include "harness/conformance/quiescence.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "core/flavour.hpp"
#include "harness/conformance/kernel_tap.hpp"
#include "harness/conformance/process_state.hpp"

namespace reactorlab::conformance {

using Clock = std::chrono::steady_clock;

class QuiescenceMonitor {
 public:
  static QuiescenceMonitor& instance() {
    static QuiescenceMonitor& monitor = *new QuiescenceMonitor;
    return monitor;
  }

  void start(Patience patience) {
    patience_ = patience;
    // Threads that the sanitizers started for themselves; a first thread of ours brings them up.
    pid_t first = 0;
    std::thread{[&first] { first = ::gettid(); }}.join();
    while (std::filesystem::exists(fmt::format("/proc/self/task/{}", first)))
      std::this_thread::yield();  // for a moment after the join
    for (const auto& [id, thread] : threads_but({::getpid()})) ignored_.insert(id);
    std::thread{[this] { watch(); }}.detach();
  }

  void set(std::optional<std::string> body) {
    std::lock_guard lock{mutex_};
    body_ = std::move(body);
    began_ = Clock::now();
  }

 private:
  static constexpr std::chrono::milliseconds period{20};

  void watch() {
    ignored_.insert(::gettid());
    Threads before;
    std::uint64_t progress_before = 0;
    Clock::time_point quiet_since = Clock::now();
    for (;;) {
      std::this_thread::sleep_for(period);
      const auto now = Clock::now();
      const std::uint64_t progress = KernelTap::instance().progress();
      const auto body = current();
      if (!body || Quiescence::helpers_.load() != 0 || progress != progress_before || KernelTap::instance().timed_waits() != 0) {
        progress_before = progress;
        before.clear();
        quiet_since = now;
      } else {
        Threads threads = threads_but(ignored_);
        if (threads != before || !all_sleep(threads)) quiet_since = now;
        before = std::move(threads);
        if (now - quiet_since >= patience_.quiet) end(*body, "nothing can happen any more", before);
      }
      if (body && Quiescence::helpers_.load() == 0 && age() > patience_.watchdog)
        end(*body, "it runs on and on", threads_but(ignored_));
    }
  }

  std::optional<std::string> current() {
    std::lock_guard lock{mutex_};
    return body_;
  }
  Clock::duration age() {
    std::lock_guard lock{mutex_};
    return body_ ? Clock::now() - began_ : Clock::duration::zero();
  }

  /// Where in the kernel that thread sleeps.
  static std::string kernel_function_of(int thread) {
    std::string name;
    std::ifstream{fmt::format("/proc/self/task/{}/wchan", thread)} >> name;
    return name.empty() ? "?" : name;
  }

  [[noreturn]] void end(const std::string& body, const char* why, const Threads& threads) {
    std::string text = fmt::format("[  HUNG    ] {}: {}\n", body, why);
    for (const auto& [id, thread] : threads)
      text += fmt::format("  thread {} {} is {} in {}\n", id, thread.name, thread.state, kernel_function_of(id));
    std::fputs(text.c_str(), stderr);
    std::fflush(nullptr);
    ::_exit(exit_hung);
  }

  Patience patience_;
  std::set<int> ignored_;
  std::mutex mutex_;
  std::optional<std::string> body_;
  Clock::time_point began_;
};

void Quiescence::start(Patience patience) { QuiescenceMonitor::instance().start(patience); }
void Quiescence::body_began(const std::string& name) { QuiescenceMonitor::instance().set(name); }
void Quiescence::body_ended() { QuiescenceMonitor::instance().set(std::nullopt); }

}  // namespace reactorlab::conformance
