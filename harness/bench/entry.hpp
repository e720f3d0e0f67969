#pragma once

#include "core/backend_choice.hpp"
#include "harness/bench/registry.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace reactorlab::bench {

/// One contender of a run: an implementation in one configuration.
struct Entry {
  std::string label;  ///< its name in the results: the impl's, with "+locking" and "@backend" where these aren't its default, "~ablation"
  std::string impl;
  std::string backend;  ///< resolved: never empty where the impl has backends
  std::string locking;  ///< resolved: empty where the impl has no lock to choose
  unsigned workers = 1;
  std::shared_ptr<const ExternalEngine> external = {};  ///< what is started for it; null: this program itself
  std::string ablation = {};                            ///< the one choice that is changed; empty: none
};

/// The impl of a label: "arc_mutex" of "arc_mutex+fine@uring", and of "arc_mutex~held_lock".
[[nodiscard]] std::string impl_of(std::string_view label);
/// "held_lock" of "arc_mutex~held_lock"; empty where nothing is changed.
[[nodiscard]] std::string ablation_of(std::string_view label);

/// What another process of this program is told as --impl: the impl, with its ablation. Locking and backend are flags of their own.
[[nodiscard]] std::string impl_word(const Entry& entry);

struct EntryFilter {
  /// Names, labels, "all", which takes every locking of the homes and the peers in their usual shapes, "everything", which takes every
  /// impl of this build, or "engines": every external engine that can be started.
  std::vector<std::string> impls = {};
  std::string backend = {};  ///< empty: the impl's default; "auto": of homes what `automatic` finds, of others their default
  std::string locking = {};  ///< empty: the impl's default, for "all" and "everything" each of them
  unsigned workers = 1;
  std::function<BackendChoice()> automatic = best_backend;
};

struct EntryChoice {
  std::vector<Entry> entries;
  std::vector<std::string> notes;  ///< what "all" and its like had to leave out, and what "auto" fell back to, and why
};

/// Throws UsageError for unknown names and for a configuration that a named impl hasn't, std::runtime_error for a named impl that
/// can't run on this machine.
[[nodiscard]] EntryChoice choose_entries(const std::vector<Impl>& known, const EntryFilter& filter);

}  // namespace reactorlab::bench
