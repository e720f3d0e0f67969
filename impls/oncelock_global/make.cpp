#include "impls/oncelock_global/home.hpp"

namespace reactorlab {

std::unique_ptr<IRuntime> make_oncelock_global_runtime(const RuntimeOptions& options) {
  return oncelock_global_home::with_runtime_type(options, maker(options));
}

}  // namespace reactorlab
