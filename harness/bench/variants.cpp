#include "harness/bench/registry.hpp"

namespace reactorlab::bench {

std::vector<Impl> variant_impls() { return {}; }

}  // namespace reactorlab::bench
