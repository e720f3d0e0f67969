#include "harness/bench/registry.hpp"

#include "harness/bench/usage.hpp"
#include "harness/measure/nearest_name.hpp"

#include <fmt/format.h>

namespace reactorlab {

// Each peer's folder defines one of these.
#define REACTORLAB_VARIANT(name)
#define REACTORLAB_PEER(name) std::unique_ptr<Engine> make_##name##_engine();
#include "reactorlab/impl_list.inc"
#undef REACTORLAB_PEER

namespace bench {
namespace {

std::vector<Impl> all_impls() {
  std::vector<Impl> all = variant_impls();
#define REACTORLAB_PEER(name) all.push_back({#name, ImplKind::Peer, make_##name##_engine()->info(), make_##name##_engine});
#include "reactorlab/impl_list.inc"
#undef REACTORLAB_PEER
#undef REACTORLAB_VARIANT
  return all;
}

}  // namespace

std::string_view to_string(ImplKind kind) { return kind == ImplKind::Variant ? "variant" : "peer"; }

const std::vector<Impl>& impls() {
  static const std::vector<Impl> all = all_impls();
  return all;
}

const std::vector<LeftOut>& left_out() {
  static const std::vector<LeftOut> all = {
#include "reactorlab/left_out.inc"
  };
  return all;
}

void refuse_if_left_out(std::string_view name) {
  for (const LeftOut& peer : left_out())
    if (peer.name == name)
      throw UsageError(fmt::format("{} isn't in this build: {}. Remedy: scripts/setup bench, then configure and build again", name,
                                   peer.reason));
}

const Impl& find_impl(std::string_view name) {
  std::vector<std::string> names;
  for (const Impl& impl : impls()) {
    if (impl.name == name) return impl;
    names.push_back(impl.name);
  }
  refuse_if_left_out(name);
  throw UsageError(measure::unknown_choice("impl", name, names));
}

std::unique_ptr<Engine> make_engine(std::string_view name) { return find_impl(name).make(); }

}  // namespace bench
}  // namespace reactorlab
