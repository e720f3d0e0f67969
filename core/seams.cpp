// The instrumented flavour's switches. The shipped flavour has none.

#include <algorithm>
#include <array>
#include <atomic>
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

/// The enumerator's own spelling, so that the names are written down once. Empty: there is no such enumerator.
template <Mutant mutant>
constexpr std::string_view name_of() {
  std::string_view signature = __PRETTY_FUNCTION__;  // "... [with Mutant mutant = reactorlab::Mutant::x; ...]" or "[mutant = ...]"
  signature.remove_prefix(signature.find("mutant = ") + std::string_view{"mutant = "}.size());
  if (signature.front() == '(') return {};  // "(reactorlab::Mutant)200"
  signature.remove_prefix(signature.rfind("::", signature.find_first_of(";]")) + 2);
  return signature.substr(0, signature.find_first_of(";]"));
}

template <std::size_t... i>
constexpr std::array<std::string_view, sizeof...(i)> names_of(std::index_sequence<i...>) {
  return {name_of<static_cast<Mutant>(i)>()...};
}

constexpr auto names = names_of(std::make_index_sequence<400>{});  // by enumerator; empty beyond the last
static_assert(names.back().empty(), "more mutants than names: make room");

std::array<std::atomic<bool>, names.size()> noted{};

}  // namespace

Mutant mutant_by_name(std::string_view name) noexcept {
  const auto found = std::ranges::find(names, name);
  return name.empty() || found == names.end() ? Mutant::none : static_cast<Mutant>(found - names.begin());
}

void note_switch(Mutant mutant) noexcept { noted[static_cast<std::size_t>(mutant)].store(true, std::memory_order_relaxed); }

std::vector<std::string_view> noted_switches() {
  std::vector<std::string_view> all;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (noted[i].load(std::memory_order_relaxed)) all.push_back(names[i]);
  }
  return all;
}

namespace clock {
Source* source = nullptr;
}
namespace sys {
std::atomic<Script*> script{nullptr};
}

}  // namespace reactorlab
#endif
