#include "harness/bench/registry.hpp"

#include "harness/bench/usage.hpp"
#include "harness/measure/nearest_name.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace reactorlab {

// Each peer's folder defines one of these.
#define REACTORLAB_VARIANT(name)
#define REACTORLAB_PEER(name) std::unique_ptr<Engine> make_##name##_engine();
#include "reactorlab/impl_list.inc"
#undef REACTORLAB_PEER
#define REACTORLAB_SHAPE(peer, shape) std::unique_ptr<Engine> make_##peer##_##shape##_engine();
#include "reactorlab/shape_list.inc"
#undef REACTORLAB_SHAPE

namespace bench {
namespace {

Impl shape_of(std::string name, std::unique_ptr<Engine> (*make)()) {
  Impl impl{std::move(name), ImplKind::Peer, make()->info(), make};
  impl.info.in_all = false;
  return impl;
}

std::vector<Impl> all_impls() {
  std::vector<Impl> all = variant_impls();
#define REACTORLAB_PEER(name) all.push_back({#name, ImplKind::Peer, make_##name##_engine()->info(), make_##name##_engine});
#include "reactorlab/impl_list.inc"
#undef REACTORLAB_PEER
#undef REACTORLAB_VARIANT
#define REACTORLAB_SHAPE(peer, shape) all.push_back(shape_of(#peer ":" #shape, make_##peer##_##shape##_engine));
#include "reactorlab/shape_list.inc"
#undef REACTORLAB_SHAPE
  return all;
}

Impl impl_of(ExternalEngine engine) {
  const auto external = std::make_shared<const ExternalEngine>(std::move(engine));
  return {.name = "engine:" + external->name,
          .kind = ImplKind::External,
          .info = {.summary = external->summary, .max_workers = external->max_workers},
          .make = nullptr,
          .external = external,
          .unavailable = obstacle_to_starting(*external)};
}

/// Whether it is "all", "everything", an implementation of this build, or one with more of a label behind it.
bool is_of_this_build(const std::string& name) {
  const std::string impl = name.substr(0, name.find_first_of("+~@"));
  return name == "all" || name == "everything" || std::any_of(impls().begin(), impls().end(), [&](const Impl& one) { return one.name == impl; });
}

}  // namespace

std::string_view to_string(ImplKind kind) {
  switch (kind) {
    case ImplKind::Variant: return "variant";
    case ImplKind::Peer: return "peer";
    case ImplKind::External: return "engine";
  }
  return "";
}

const std::vector<Impl>& impls() {
  static const std::vector<Impl> all = all_impls();
  return all;
}

std::vector<Impl> engine_impls(const std::string& file) {
  const auto path = file.empty() ? usual_engines_file() : std::filesystem::path(file);
  std::vector<Impl> all;
  if (path)
    for (ExternalEngine& engine : read_engines(*path)) all.push_back(impl_of(std::move(engine)));
  return all;
}

std::vector<Impl> known_impls(const std::vector<std::string>& names, const std::string& file) {
  std::vector<Impl> known = impls();
  if (std::all_of(names.begin(), names.end(), is_of_this_build)) return known;
  for (Impl& engine : engine_impls(file)) known.push_back(std::move(engine));
  return known;
}

const std::vector<LeftOut>& left_out() {
  static const std::vector<LeftOut> all = {
#include "reactorlab/left_out.inc"
  };
  return all;
}

void refuse_if_left_out(std::string_view name) {
  for (const LeftOut& peer : left_out())
    if (peer.name == name || peer.name == name.substr(0, name.find(':')))
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
