#include "harness/bench/ablated_entries.hpp"

#include "harness/bench/usage.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

bool varies_any(const AblationDefinition& ablation, const std::vector<Entry>& entries) {
  return std::any_of(entries.begin(), entries.end(), [&](const Entry& entry) { return can_vary(ablation, entry); });
}

std::vector<const AblationDefinition*> chosen_by(const std::string& name, const std::vector<Entry>& entries) {
  std::vector<const AblationDefinition*> chosen;
  if (name != "all") {
    const AblationDefinition& ablation = ablation_named_by_user(name);
    if (!varies_any(ablation, entries))
      throw UsageError(fmt::format("--ablate={} varies {} on epoll, which isn't among the entries: name one of them with --impl",
                                   name, varies_text(ablation)));
    return {&ablation};
  }
  for (const AblationDefinition& one : ablations())
    if (varies_any(one, entries)) chosen.push_back(&one);
  if (chosen.empty()) throw UsageError("--ablate=all: none of the entries is a home on epoll: name one with --impl");
  return chosen;
}

void add(std::vector<Entry>& all, Entry entry) {
  const auto same = [&](const Entry& other) { return other.label == entry.label; };
  if (std::none_of(all.begin(), all.end(), same)) all.push_back(std::move(entry));
}

}  // namespace

bool can_vary(const AblationDefinition& ablation, const Entry& entry) {
  return std::find(ablation.varies.begin(), ablation.varies.end(), entry.impl) != ablation.varies.end() && entry.ablation.empty() &&
         entry.backend == "epoll" && (ablation.locking.empty() || entry.locking == ablation.locking);
}

Entry ablated(const Entry& base, const AblationDefinition& ablation) {
  Entry entry = base;
  entry.ablation = ablation.name;
  entry.label = base.label + "~" + ablation.name;  // what can be varied has no "@backend" that would come first
  return entry;
}

std::vector<Entry> with_ablations(const std::vector<Entry>& entries, const std::vector<std::string>& names) {
  std::vector<const AblationDefinition*> chosen;
  for (const std::string& name : names)
    for (const AblationDefinition* one : chosen_by(name, entries)) chosen.push_back(one);
  std::vector<Entry> all;
  for (const Entry& entry : entries) {
    add(all, entry);
    for (const AblationDefinition* one : chosen)
      if (can_vary(*one, entry)) add(all, ablated(entry, *one));
  }
  return all;
}

}  // namespace reactorlab::bench
