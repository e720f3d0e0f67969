#pragma once

#include "harness/engine.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace reactorlab::bench {

enum class ImplKind { Variant, Peer };

[[nodiscard]] std::string_view to_string(ImplKind kind);

/// A value that --impl accepts.
struct Impl {
  std::string name;
  ImplKind kind;
  EngineInfo info;
  std::function<std::unique_ptr<Engine>()> make;
};

/// Every implementation of this build: the variants, then the peers.
[[nodiscard]] const std::vector<Impl>& impls();

/// A peer whose library was missing when this build was configured.
struct LeftOut {
  std::string_view name;
  std::string_view reason;  ///< half a sentence: "it needs ..."
};

[[nodiscard]] const std::vector<LeftOut>& left_out();

/// Throws UsageError with cause and remedy if `name` is a peer that was left out.
void refuse_if_left_out(std::string_view name);

/// The runtime variants, each served through its public interface. Defined in variants.cpp.
[[nodiscard]] std::vector<Impl> variant_impls();

/// Throws UsageError with the known names.
[[nodiscard]] const Impl& find_impl(std::string_view name);
[[nodiscard]] std::unique_ptr<Engine> make_engine(std::string_view name);

}  // namespace reactorlab::bench
