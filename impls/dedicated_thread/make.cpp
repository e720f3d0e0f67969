#include "impls/dedicated_thread/home.hpp"

namespace reactorlab {

std::unique_ptr<IRuntime> make_dedicated_thread_runtime(const RuntimeOptions& options) {
  return std::make_unique<DedicatedThreadRuntime>(options);
}

}  // namespace reactorlab
