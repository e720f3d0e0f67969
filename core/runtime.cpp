#include "core/runtime.hpp"

#include <string>

#include "core/error.hpp"
#include "core/mutation.hpp"

namespace reactorlab {

RuntimeInfo info_with_workers(const HomeDescription& home, Locking locking, const RuntimeOptions& options) {
  constexpr unsigned most_workers = 1024;
  const bool possible = options.workers >= 1 && options.workers <= most_workers;
  if (!possible && !mutated(Mutant::options_unchecked)) {
    throw UsageError{"workers must be 1 to " + std::to_string(most_workers) + ", not " + std::to_string(options.workers)};
  }
  return {home.name, options.backend, locking, options.workers, home.capabilities};
}

void check_not_on_worker(const Executor& executor) {
  if (executor.on_own_thread() && !mutated(Mutant::nested_block_on_accepted))
    throw UsageError{"block_on, or a runtime's end, inside a task of the same runtime would deadlock; co_await instead"};
}

}  // namespace reactorlab
