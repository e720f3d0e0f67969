#pragma once
// What a rule runs on: a variant, and how it is set up. One ctest entry runs a rule on all configurations of its variant.

#include <string>
#include <string_view>
#include <vector>

#include "harness/conformance/black_box.hpp"

namespace reactorlab::conformance {

/// How the operations reach the runtime: through IRuntime, or with its concrete type.
enum class Form { virtual_form, static_form };

struct Configuration {
  std::string variant;
  std::string label;  ///< `thread_local`, `arc_mutex_coarse_1`, `arc_mutex_fine_2`, ...
  RuntimeOptions options;
  Capabilities capabilities;
  MakeRuntime make{};  ///< empty: make_runtime() by the variant's name
};

/// Confined variants have one configuration; those with workers one and two of them, in both lockings if that is a choice.
/// Throws UsageError for an unknown variant.
std::vector<Configuration> configurations_of(std::string_view variant, Backend backend);

/// False for another variant's section of the VAR chapter. `rule` as in `VAR_TL_01`.
bool applies(std::string_view rule, std::string_view variant) noexcept;

}  // namespace reactorlab::conformance
