#include "impls/oncelock_global/home.hpp"

namespace reactorlab {

std::unique_ptr<IRuntime> make_oncelock_global_runtime(const RuntimeOptions& options) {
  switch (options.locking) {
    case Locking::coarse: return std::make_unique<OncelockGlobalRuntime<Locking::coarse>>(options);
    case Locking::fine: return std::make_unique<OncelockGlobalRuntime<Locking::fine>>(options);
  }
  throw UsageError{"unknown locking"};
}

}  // namespace reactorlab
