// make_runtime(): every home by its folder's name. The list is generated when the project is configured.

#include <algorithm>
#include <array>
#include <string>

#include "core/error.hpp"
#include "core/runtime.hpp"

namespace reactorlab {

// Each variant's make.cpp defines one of these.
#define REACTORLAB_PEER(name)
#define REACTORLAB_VARIANT(name) std::unique_ptr<IRuntime> make_##name##_runtime(const RuntimeOptions& options);
#include "reactorlab/impl_list.inc"
#undef REACTORLAB_VARIANT

namespace {

struct Entry {
  std::string_view name;
  std::unique_ptr<IRuntime> (*make)(const RuntimeOptions&);
};

constexpr Entry entries[] = {
#define REACTORLAB_VARIANT(name) {#name, &make_##name##_runtime},
#include "reactorlab/impl_list.inc"
#undef REACTORLAB_VARIANT
#undef REACTORLAB_PEER
};

constexpr auto names = [] {
  std::array<std::string_view, std::size(entries)> all;
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = entries[i].name;
  return all;
}();

}  // namespace

std::span<const std::string_view> runtime_names() noexcept { return names; }

std::unique_ptr<IRuntime> make_runtime(std::string_view name, const RuntimeOptions& options) {
  const auto entry = std::find_if(std::begin(entries), std::end(entries), [&](const Entry& e) { return e.name == name; });
  if (entry != std::end(entries)) return entry->make(options);
  std::string message = "unknown runtime '" + std::string{name} + "'; there are:";
  for (const std::string_view known : names) message += " " + std::string{known};
  throw UsageError{message};
}

}  // namespace reactorlab
