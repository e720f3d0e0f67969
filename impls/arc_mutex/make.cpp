#include "impls/arc_mutex/home.hpp"

namespace reactorlab {

std::unique_ptr<IRuntime> make_arc_mutex_runtime(const RuntimeOptions& options) {
  return arc_mutex_home::with_runtime_type(options, maker(options));
}

}  // namespace reactorlab
