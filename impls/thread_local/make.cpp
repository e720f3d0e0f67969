#include "impls/thread_local/home.hpp"

namespace reactorlab {

std::unique_ptr<IRuntime> make_thread_local_runtime(const RuntimeOptions& options) {
  return thread_local_home::with_runtime_type(options, maker(options));
}

}  // namespace reactorlab
