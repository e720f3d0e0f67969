#include "impls/thread_local/home.hpp"

namespace reactorlab {

std::unique_ptr<IRuntime> make_thread_local_runtime(const RuntimeOptions& options) {
  return std::make_unique<ThreadLocalRuntime>(options);
}

}  // namespace reactorlab
