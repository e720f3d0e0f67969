#include "core/runtime.hpp"

#include <string>

#include "core/error.hpp"

namespace reactorlab {

RuntimeInfo shared_home_info(std::string_view name, Locking locking, const RuntimeOptions& options) {
  constexpr unsigned most_workers = 1024;
  if (options.workers < 1 || options.workers > most_workers) {
    throw UsageError{"workers must be 1 to " + std::to_string(most_workers) + ", not " + std::to_string(options.workers)};
  }
  return {name, options.backend, locking, options.workers,
          Capabilities{.foreign_registration = true, .migration = true, .several_per_thread = true}};
}

void check_not_on_worker(const Executor& executor) {
  if (executor.on_own_thread()) throw UsageError{"block_on or shutdown inside a task of the same runtime would deadlock; co_await instead"};
}

}  // namespace reactorlab
