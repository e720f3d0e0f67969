#pragma once

#include "harness/bench/workload_file.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

/// Homes with one design choice changed, measured beside themselves (docs/decisions/0028). Their entries' labels name the entry
/// that they are made of, and what is changed: "arc_mutex~held_lock".
namespace reactorlab::bench {

/// Read from its file in harness/ablations, whose README says what each field means.
struct AblationDefinition {
  std::string name;
  std::vector<std::string> varies = {};  ///< homes; empty: left out
  std::string locking = {};              ///< the only one that it has a meaning for; empty: each
  std::vector<std::string> serves = {};  ///< the only protocols whose servers have that form; empty: whatever there is
  std::string summary;
  std::string isolates;
  std::map<std::string, std::string> expected = {};  ///< by workload: the changed one is "dearer", "cheaper" or "equivalent"
  std::string because, source, written;              ///< of what is expected; empty where it is left out
  std::string left_out = {};                         ///< why it isn't built; else empty
};

/// All, by name, those left out last. Throws DefinitionError.
[[nodiscard]] const std::vector<AblationDefinition>& ablations();

/// nullptr: there is none of that name.
[[nodiscard]] const AblationDefinition* find_ablation(std::string_view name);

/// Throws UsageError for a name that doesn't exist, or is left out.
[[nodiscard]] const AblationDefinition& ablation_named_by_user(std::string_view name);

[[nodiscard]] std::vector<WorkloadFile> ablation_files();
[[nodiscard]] AblationDefinition ablation_from(const WorkloadFile& file);

/// "arc_mutex, oncelock_global with locking coarse".
[[nodiscard]] std::string varies_text(const AblationDefinition& ablation);
/// What `bench list` says of it.
[[nodiscard]] std::string line_about(const AblationDefinition& ablation);
/// Its whole definition, for `bench list NAME`.
[[nodiscard]] std::string text_about(const AblationDefinition& ablation);
/// The same for programs.
[[nodiscard]] nlohmann::json json_of(const AblationDefinition& ablation);

}  // namespace reactorlab::bench
