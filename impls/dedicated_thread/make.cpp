#include "impls/dedicated_thread/home.hpp"

namespace reactorlab {

std::unique_ptr<IRuntime> make_dedicated_thread_runtime(const RuntimeOptions& options) {
  return dedicated_thread_home::with_runtime_type(options, maker(options));
}

}  // namespace reactorlab
