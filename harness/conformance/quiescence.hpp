#pragma once
// The hang oracle. While a rule runs, a monitor thread looks for the moment in which nothing can happen any more: every thread
// sleeps, none has run since the last look, no system call has begun or ended, no wait has a limit. The process then ends at
// once with exit_hung and says which rule it was.

#include <atomic>
#include <chrono>
#include <string>

namespace reactorlab::conformance {

inline constexpr int exit_hung = 4;

struct Patience {
  std::chrono::milliseconds quiet{1'000};      ///< how long nothing must have happened
  std::chrono::milliseconds watchdog{20'000};  ///< last resort: how long one body of a rule may run
};

class Quiescence {
 public:
  /// Starts the monitor; it lives as long as the process. Once, before any test.
  static void start(Patience patience);

  static void body_began(const std::string& name);
  static void body_ended();

  /// Somebody outside this process may still act (a child process): the oracle doesn't judge meanwhile.
  class OutsideHelp {
   public:
    OutsideHelp() noexcept { helpers_.fetch_add(1); }
    OutsideHelp(const OutsideHelp&) = delete;
    ~OutsideHelp() { helpers_.fetch_sub(1); }
  };

 private:
  friend class QuiescenceMonitor;
  static inline std::atomic<int> helpers_{0};
};

}  // namespace reactorlab::conformance
