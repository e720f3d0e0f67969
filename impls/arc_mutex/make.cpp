#include "impls/arc_mutex/home.hpp"

namespace reactorlab {

std::unique_ptr<IRuntime> make_arc_mutex_runtime(const RuntimeOptions& options) {
  switch (options.locking) {
    case Locking::coarse: return std::make_unique<ArcMutexRuntime<Locking::coarse>>(options);
    case Locking::fine: return std::make_unique<ArcMutexRuntime<Locking::fine>>(options);
  }
  throw UsageError{"unknown locking"};
}

}  // namespace reactorlab
