#include "impls/oncelock_global/process_reactor.hpp"

#include "core/error.hpp"
#include "core/immortal.hpp"

namespace reactorlab::oncelock_global_home {

Once& once() noexcept {
  static Immortal<Once> instance;
  return instance.get();
}

void check_same(const Once& once, const RuntimeOptions& options) {
  if (once.backend == options.backend && once.locking == options.locking && once.ablation == options.ablation) return;
  throw UsageError{
      "this process's oncelock_global reactor has been made with another backend or locking, and there is only one "
      "(remedy: the same options for every runtime of the process, or another process)"};
}

}  // namespace reactorlab::oncelock_global_home
