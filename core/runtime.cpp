#include "core/runtime.hpp"

#include <string>

#include "core/error.hpp"
#include "core/mutation.hpp"

namespace reactorlab {

void check_ablation(const HomeDescription& home, const RuntimeOptions& options) {
  if (options.ablation == Ablation::none) return;
  const std::string ablation{name_of(options.ablation)};
  if (!home.ablations.has(options.ablation)) {
    throw UsageError{std::string{home.name} + " in this configuration has no ablation '" + ablation +
                     "' (remedy: leave it out; `bench list` says whose it is)"};
  }
  if (options.backend != Backend::epoll)
    throw UsageError{"the ablation '" + ablation + "' is made for the backend epoll, not " + std::string{name_of(options.backend)}};
}

RuntimeInfo info_with_workers(const HomeDescription& home, Locking locking, const RuntimeOptions& options) {
  constexpr unsigned most_workers = 1024;
  const bool possible = options.workers >= 1 && options.workers <= most_workers;
  if (!possible && !mutated(Mutant::options_unchecked)) {
    throw UsageError{"workers must be 1 to " + std::to_string(most_workers) + ", not " + std::to_string(options.workers)};
  }
  check_ablation(home, options);
  return {home.name, options.backend, locking, options.workers, home.capabilities, options.ablation};
}

void check_not_on_worker(const Executor& executor) {
  if (executor.on_own_thread() && !mutated(Mutant::nested_block_on_accepted))
    throw UsageError{"block_on, or a runtime's end, inside a task of the same runtime would deadlock; co_await instead"};
}

}  // namespace reactorlab
