#pragma once

#include "harness/bench/engines_file.hpp"
#include "harness/engine.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace reactorlab::bench {

enum class ImplKind { Variant, Peer, External };

[[nodiscard]] std::string_view to_string(ImplKind kind);

/// A value that --impl accepts.
struct Impl {
  std::string name;
  ImplKind kind;
  EngineInfo info;
  std::function<std::unique_ptr<Engine>()> make;        ///< of an external one: nothing
  std::shared_ptr<const ExternalEngine> external = {};  ///< of the others: null; `info` points into it
  std::string unavailable = {};                         ///< why it can't be started here, with what to do; else empty
};

/// Every implementation of this build: the variants, the peers, then the peers in other shapes, as "PEER:SHAPE".
[[nodiscard]] const std::vector<Impl>& impls();

/// The external engines of a file, as "engine:NAME"; with no name the repository's file, which may be absent. Throws
/// UsageError for a file that can't be read.
[[nodiscard]] std::vector<Impl> engine_impls(const std::string& file);

/// What `names` can mean: every implementation of this build and, where one of them is none of those, the external
/// engines of `file`.
[[nodiscard]] std::vector<Impl> known_impls(const std::vector<std::string>& names, const std::string& file);

/// A peer, or a shape of one, whose library was missing when this build was configured.
struct LeftOut {
  std::string_view name;
  std::string_view reason;  ///< half a sentence: "it needs ..."
};

[[nodiscard]] const std::vector<LeftOut>& left_out();

/// Throws UsageError with cause and remedy if `name` is a peer that was left out, or a shape of it.
void refuse_if_left_out(std::string_view name);

/// The runtime variants, each served through its public interface. Defined in variants.cpp.
[[nodiscard]] std::vector<Impl> variant_impls();

/// Throws UsageError with the known names.
[[nodiscard]] const Impl& find_impl(std::string_view name);
[[nodiscard]] std::unique_ptr<Engine> make_engine(std::string_view name);

}  // namespace reactorlab::bench
