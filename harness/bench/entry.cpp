#include "harness/bench/entry.hpp"

#include "harness/bench/ablated_entries.hpp"
#include "harness/bench/usage.hpp"
#include "harness/measure/nearest_name.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

std::vector<std::string> strings(const std::vector<std::string_view>& views) { return {views.begin(), views.end()}; }

constexpr std::string_view automatic = "auto";

bool has(const std::vector<std::string_view>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

/// All lockings or backends of all impls, to tell a typo from a combination that doesn't exist.
std::vector<std::string> all_of(const std::vector<Impl>& known, std::vector<std::string_view> EngineInfo::* list) {
  std::vector<std::string> all;
  for (const Impl& impl : known)
    for (const auto& name : impl.info.*list)
      if (std::find(all.begin(), all.end(), name) == all.end()) all.emplace_back(name);
  return all;
}

std::vector<std::string> all_backends_of(const std::vector<Impl>& known) {
  std::vector<std::string> all = all_of(known, &EngineInfo::backends);
  all.emplace_back(automatic);
  return all;
}

void require_known(std::string_view what, const std::string& name, const std::vector<std::string>& all) {
  if (!name.empty() && std::find(all.begin(), all.end(), name) == all.end())
    throw UsageError(measure::unknown_choice(what, name, all));
}

/// Why the impl can't run so; nothing if it can. An impl without lockings runs under any --locking: there is nothing to
/// choose.
std::optional<std::string> obstacle(const Impl& impl, const EntryFilter& filter) {
  if (!impl.unavailable.empty()) return fmt::format("{} can't be started: {}", impl.name, impl.unavailable);
  if (impl.external != nullptr && !filter.backend.empty())
    return fmt::format("{} waits as it likes: it can't be told --backend={}", impl.name, filter.backend);
  if (!filter.backend.empty() && !has(impl.info.backends, filter.backend))
    return fmt::format("{} has no backend '{}', only: {}", impl.name, filter.backend, fmt::join(strings(impl.info.backends), ", "));
  if (!filter.locking.empty() && !impl.info.lockings.empty() && !has(impl.info.lockings, filter.locking))
    return fmt::format("{} has no locking '{}', only: {}", impl.name, filter.locking, fmt::join(strings(impl.info.lockings), ", "));
  if (impl.info.max_workers != 0 && filter.workers > impl.info.max_workers)
    return fmt::format("{} has at most {} worker{}", impl.name, impl.info.max_workers, impl.info.max_workers == 1 ? "" : "s");
  return std::nullopt;
}

/// Why this machine can't run the impl at all; nothing if it can.
std::optional<std::string> obstacle_here(const Impl& impl) {
  if (!impl.make) return std::nullopt;
  const auto reason = impl.make()->obstacle();
  return reason ? std::optional(fmt::format("{} can't run on this machine: {}", impl.name, *reason)) : std::nullopt;
}

Entry entry_of(const Impl& impl, const EntryFilter& filter, std::string_view locking) {
  const bool default_locking = impl.info.lockings.empty() || locking == impl.info.lockings.front();
  std::string backend = filter.backend;
  if (backend.empty() && !impl.info.backends.empty()) backend = impl.info.backends.front();
  const bool default_backend = impl.info.backends.empty() || backend == impl.info.backends.front();
  return {.label = impl.name + (default_locking ? "" : fmt::format("+{}", locking)) + (default_backend ? "" : "@" + backend),
          .impl = impl.name,
          .backend = backend,
          .locking = impl.info.lockings.empty() ? std::string() : std::string(locking),
          .workers = filter.workers,
          .external = impl.external};
}

std::vector<std::string> known_labels(const std::vector<Impl>& known) {
  std::vector<std::string> labels = {"all", "everything", "engines"};
  for (const Impl& impl : known)
    for (std::size_t i = 0; i < std::max<std::size_t>(1, impl.info.lockings.size()); ++i)
      labels.push_back(i == 0 ? impl.name : fmt::format("{}+{}", impl.name, impl.info.lockings[i]));
  return labels;
}

void add(EntryChoice& choice, Entry entry) {
  const auto same = [&](const Entry& other) { return other.label == entry.label; };
  if (std::none_of(choice.entries.begin(), choice.entries.end(), same)) choice.entries.push_back(std::move(entry));
}

/// The filter as it is for this impl: "auto" is replaced. Who has no choice waits as usual.
EntryFilter resolved(EntryChoice& choice, EntryFilter filter, const Impl& impl) {
  if (filter.backend != automatic) return filter;
  filter.backend.clear();
  if (impl.info.backends.size() < 2) return filter;
  const BackendChoice best = filter.automatic();
  filter.backend = name_of(best.backend);
  if (!best.fell_back.empty())
    choice.notes.push_back(fmt::format("{}: --backend=auto fell back to {}: {}", impl.name, filter.backend, best.fell_back));
  return filter;
}

/// Those of this build, `everything` or what `all` means.
void add_all(EntryChoice& choice, const std::vector<Impl>& known, const EntryFilter& typed, bool everything) {
  for (const LeftOut& peer : left_out())
    if (everything || peer.name.find(':') == std::string_view::npos)
      choice.notes.push_back(fmt::format("left out: {}, {}", peer.name, peer.reason));
  for (const Impl& impl : known) {
    if (impl.external != nullptr || (!everything && !impl.info.in_all)) continue;
    const EntryFilter filter = resolved(choice, typed, impl);
    auto reason = obstacle(impl, filter);
    if (!reason) reason = obstacle_here(impl);
    if (reason) {
      choice.notes.push_back(fmt::format("left out: {}", *reason));
    } else if (!filter.locking.empty() || impl.info.lockings.empty()) {
      add(choice, entry_of(impl, filter, filter.locking));
    } else {
      for (const auto& locking : impl.info.lockings) add(choice, entry_of(impl, filter, locking));
    }
  }
}

void add_engines(EntryChoice& choice, const std::vector<Impl>& known, const EntryFilter& typed) {
  if (std::none_of(known.begin(), known.end(), [](const Impl& impl) { return impl.external != nullptr; }))
    choice.notes.push_back("there are no external engines: --engines=FILE names a file of them (docs/ENGINES.md)");
  for (const Impl& impl : known) {
    if (impl.external == nullptr) continue;
    const EntryFilter filter = resolved(choice, typed, impl);
    if (const auto reason = obstacle(impl, filter))
      choice.notes.push_back(fmt::format("left out: {}", *reason));
    else
      add(choice, entry_of(impl, filter, ""));
  }
}

[[noreturn]] void refuse_unknown(const std::vector<Impl>& known, const std::string& typed) {
  const bool engine = typed.starts_with("engine:");
  auto labels = known_labels(known);
  if (engine) std::erase_if(labels, [](const std::string& label) { return !label.starts_with("engine:"); });
  throw UsageError(measure::unknown_choice(engine ? "engine" : "impl", typed, labels));
}

/// What a label says after `mark`; empty if it says nothing.
std::string part_of(std::string_view label, char mark) {
  const auto at = label.find(mark);
  if (at == std::string_view::npos) return "";
  return std::string(label.substr(at + 1, label.find_first_of("~@#", at + 1) - at - 1));
}

/// A part of a label, and the flag that says it for every entry.
void narrow(std::string& flag, const std::string& part, const std::string& typed, std::string_view name) {
  if (part.empty()) return;
  if (!flag.empty() && flag != part)
    throw UsageError(fmt::format("--impl={} and --{}={} contradict each other: leave out one", typed, name, flag));
  flag = part;
}

/// The entry with the choice changed that its label names.
Entry ablated_as_typed(const Entry& base, const std::string& name) {
  const AblationDefinition& ablation = ablation_named_by_user(name);
  if (!can_vary(ablation, base))
    throw UsageError(fmt::format("{}~{} can't be: {} varies {} on epoll", base.label, name, name, varies_text(ablation)));
  return ablated(base, ablation);
}

/// A name, or a label "name+locking@backend" or "name+locking~ablation".
void add_named(EntryChoice& choice, const std::vector<Impl>& known, EntryFilter filter, const std::string& typed) {
  const std::string name = impl_of(typed);
  const auto impl = std::find_if(known.begin(), known.end(), [&](const Impl& one) { return one.name == name; });
  if (impl == known.end()) refuse_if_left_out(name);
  const std::string locking = part_of(typed, '+'), backend = part_of(typed, '@');
  if (impl == known.end() || (!locking.empty() && !has(impl->info.lockings, locking))) refuse_unknown(known, typed);
  require_known("backend", backend, all_backends_of(known));
  narrow(filter.locking, locking, typed, "locking");
  narrow(filter.backend, backend, typed, "backend");
  filter = resolved(choice, std::move(filter), *impl);
  if (const auto reason = obstacle(*impl, filter)) throw UsageError(*reason);
  if (const auto reason = obstacle_here(*impl)) throw std::runtime_error(*reason);
  if (filter.locking.empty() && !impl->info.lockings.empty()) filter.locking = impl->info.lockings.front();
  const Entry entry = entry_of(*impl, filter, filter.locking);
  const std::string ablation = ablation_of(typed);
  add(choice, ablation.empty() ? entry : ablated_as_typed(entry, ablation));
}

}  // namespace

std::string impl_of(std::string_view label) { return std::string(label.substr(0, label.find_first_of("+~@#"))); }

std::string ablation_of(std::string_view label) { return part_of(label, '~'); }

std::string impl_word(const Entry& entry) { return entry.impl + (entry.ablation.empty() ? "" : "~" + entry.ablation); }

EntryChoice choose_entries(const std::vector<Impl>& known, const EntryFilter& filter) {
  require_known("backend", filter.backend, all_backends_of(known));
  require_known("locking", filter.locking, all_of(known, &EngineInfo::lockings));
  if (filter.workers == 0) throw UsageError("--workers=0: at least one worker has to do the work");
  EntryChoice choice;
  for (const std::string& typed : filter.impls) {
    if (typed == "all" || typed == "everything")
      add_all(choice, known, filter, typed == "everything");
    else if (typed == "engines")
      add_engines(choice, known, filter);
    else
      add_named(choice, known, filter, typed);
  }
  if (choice.entries.empty()) throw UsageError(fmt::format("nothing to run: {}", fmt::join(choice.notes, "; ")));
  return choice;
}

}  // namespace reactorlab::bench
