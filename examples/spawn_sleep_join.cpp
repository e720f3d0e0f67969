// A runtime in one breath: a task is spawned, sleeps, and gives 42 to whoever joins it. Nobody counts the seconds: the
// deadline lies in the timer wheel, and limits how long the thread sleeps in the kernel.
//
//   spawn_sleep_join --impl=dedicated_thread

#include <chrono>

#include "examples/command_line.hpp"

using namespace reactorlab;

namespace {

Task<int> answer(IRuntime& runtime, Duration duration) {
  const IoResult slept = co_await sleep(runtime, duration);
  if (!slept) throw std::system_error{slept.error_code(), "sleep"};
  fmt::print("done!\n");
  co_return 42;
}

/// A task that joins a task. `co_await join` would throw what `answer` throws.
Task<int> spawn_and_join(IRuntime& runtime, Duration duration) {
  JoinHandle<int> join = runtime.spawn(answer(runtime, duration));
  fmt::print("spawned\n");
  co_return co_await join;
}

}  // namespace

int main(int argc, char** argv) {
  unsigned milliseconds = 1'000;
  examples::CommandLine line{"spawn + sleep + join = 42."};
  line.app.add_option("--sleep-ms", milliseconds, "how long the task sleeps, in milliseconds")->capture_default_str();

  return line.run(argc, argv, [&](IRuntime& runtime) {
    const int result = runtime.block_on(spawn_and_join(runtime, std::chrono::milliseconds{milliseconds}));
    fmt::print("{}\n", result);
    return result == 42 ? 0 : 1;
  });
}
