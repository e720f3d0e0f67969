#include "harness/conformance/configuration.hpp"

#include <array>
#include <utility>

namespace reactorlab::conformance {

std::vector<Configuration> configurations_of(std::string_view variant, Backend backend) {
  const RuntimeOptions plain{.workers = 1, .backend = backend};
  const Capabilities capabilities = make_runtime(variant, plain)->info().capabilities;
  const std::string name{variant};
  if (!capabilities.migration) return {{name, name, plain, capabilities}};

  std::vector<Configuration> all;
  for (const Locking locking : {Locking::coarse, Locking::fine}) {
    for (const unsigned workers : {1u, 2u}) {
      const char* const word = locking == Locking::coarse ? "_coarse_" : "_fine_";
      all.push_back({name, name + word + std::to_string(workers), {workers, backend, locking}, capabilities});
    }
  }
  return all;
}

bool applies(std::string_view rule, std::string_view variant) noexcept {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> sections{{
      {"VAR_TL_", "thread_local"},
      {"VAR_AM_", "arc_mutex"},
      {"VAR_OG_", "oncelock_global"},
      {"VAR_DT_", "dedicated_thread"},
  }};
  for (const auto& [prefix, home] : sections) {
    if (rule.starts_with(prefix)) return variant == home;
  }
  return true;
}

}  // namespace reactorlab::conformance
