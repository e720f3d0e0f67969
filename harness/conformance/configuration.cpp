#include "harness/conformance/configuration.hpp"

#include <array>
#include <utility>

#include "reactorlab/homes.hpp"

namespace reactorlab::conformance {

std::vector<Configuration> configurations_of(std::string_view variant, Backend backend) {
  const RuntimeOptions plain{.workers = 1, .backend = backend};
  const Capabilities capabilities =
      with_runtime_type(variant, plain, [](auto type) { return decltype(type)::type::description.capabilities; });
  const std::string name{variant};
  if (!capabilities.migration) return {{name, name, plain, capabilities}};

  std::vector<Configuration> all;
  const auto add_both_sizes = [&](const std::string& label, Locking locking) {
    for (const unsigned workers : {1u, 2u}) {
      all.push_back({name, label + "_" + std::to_string(workers), {workers, backend, locking}, capabilities});
    }
  };
  if (!capabilities.locking_choice) {
    add_both_sizes(name, plain.locking);
    return all;
  }
  add_both_sizes(name + "_coarse", Locking::coarse);
  add_both_sizes(name + "_fine", Locking::fine);
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
