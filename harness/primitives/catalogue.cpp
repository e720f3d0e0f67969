#include "harness/primitives/catalogue.hpp"

namespace reactorlab::primitives {

const std::vector<Known>& catalogue() {
  static const std::vector<Known> all = [] {
    std::vector<Known> joined;
    for (const auto& part : {kernel_trials(), socket_trials(), memory_trials(), handoff_trials()})
      joined.insert(joined.end(), part.begin(), part.end());
    return joined;
  }();
  return all;
}

}  // namespace reactorlab::primitives
