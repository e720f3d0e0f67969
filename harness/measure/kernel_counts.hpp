#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace reactorlab::measure {

/// What processes ask of the kernel, counted by its tracepoints (perf_event_open): exact, of all threads, without a tracer that
/// stops them. Each system call takes a few microseconds longer meanwhile, so nothing that is timed may be counted.
///
/// Counted is the process that the thread which made this object starts next, from its exec on, with its threads and children;
/// nothing of this process itself. One object for each process to be counted: the kernel may give that process the events
/// themselves instead of copies, and then a second one has none. Any thread may read.
class KernelCounts {
 public:
  /// Why it can't be done here, with the remedy; nothing where it can. Found by trying.
  [[nodiscard]] static std::optional<std::string> obstacle();

  /// Throws std::runtime_error with the obstacle.
  KernelCounts();
  ~KernelCounts();
  KernelCounts(const KernelCounts&) = delete;
  KernelCounts& operator=(const KernelCounts&) = delete;

  /// Totals so far, by name: "syscalls", "syscalls.read" and so on, "syscalls.other" for what has no name of its own here;
  /// "wakeups" (threads that became runnable by what these did, whoever's they are), "kernel_lock_contentions", "migrations",
  /// "page_faults". What this kernel can't count is absent.
  [[nodiscard]] std::map<std::string, std::uint64_t> read() const;

 private:
  struct Counter {
    std::string name;
    int fd;
  };
  [[nodiscard]] static std::vector<Counter> open_all();
  static void keep_tracepoints_on();

  std::vector<Counter> counters_;
};

}  // namespace reactorlab::measure
