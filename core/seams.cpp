// The instrumented flavour's switches. The shipped flavour has none.

#include <string_view>
#include <utility>

#include "core/clock.hpp"
#include "core/flavour.hpp"
#include "core/mutation.hpp"
#include "core/sync.hpp"
#include "core/sys.hpp"

#if REACTORLAB_INSTRUMENTED
namespace reactorlab {

std::atomic<SyncPointObserver*> sync_point_observer{nullptr};
Mutant active_mutant = Mutant::none;

namespace {

/// The enumerator's own spelling, so that the names are written down once.
template <Mutant mutant>
constexpr std::string_view name_of() {
  std::string_view signature = __PRETTY_FUNCTION__;  // "... [with Mutant mutant = reactorlab::Mutant::x; ...]" or "[mutant = ...]"
  signature.remove_prefix(signature.find("mutant = "));
  signature.remove_prefix(signature.rfind("::", signature.find_first_of(";]")) + 2);
  return signature.substr(0, signature.find_first_of(";]"));
}

template <std::size_t... i>
Mutant find(std::string_view name, std::index_sequence<i...>) {
  Mutant found = Mutant::none;
  ((name == name_of<static_cast<Mutant>(i)>() ? void(found = static_cast<Mutant>(i)) : void()), ...);
  return found;
}

}  // namespace

Mutant mutant_by_name(std::string_view name) noexcept {
  constexpr auto count = static_cast<std::size_t>(Mutant::no_leaf_budget) + 1;
  return find(name, std::make_index_sequence<count>{});
}

namespace clock {
Source* source = nullptr;
}
namespace sys {
std::atomic<Script*> script{nullptr};
}

}  // namespace reactorlab
#endif
