#include "harness/bench/registry.hpp"

#include "harness/bench/usage.hpp"
#include "harness/measure/nearest_name.hpp"

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
#define REACTORLAB_PEER(name) \
  all.push_back({#name, ImplKind::Peer, make_##name##_engine()->info(), make_##name##_engine});
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

const Impl& find_impl(std::string_view name) {
  std::vector<std::string> names;
  for (const Impl& impl : impls()) {
    if (impl.name == name) return impl;
    names.push_back(impl.name);
  }
  throw UsageError(measure::unknown_choice("impl", name, names));
}

std::unique_ptr<Engine> make_engine(std::string_view name) { return find_impl(name).make(); }

}  // namespace bench
}  // namespace reactorlab
