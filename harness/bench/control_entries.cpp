#include "harness/bench/control_entries.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

constexpr int kInjectedPercent[] = {2, 5};

const Entry* find(const std::vector<Entry>& entries, std::string_view label) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.label == label; });
  return found == entries.end() ? nullptr : &*found;
}

Entry control_of(const Entry& base, const std::string& what) {
  Entry control = base;
  control.label = fmt::format("{}#{}", base.label, what);
  return control;
}

const Entry* to_make_dearer(const std::vector<Entry>& entries) {
  if (const Entry* const usual = find(entries, "thread_local")) return usual;
  const auto home = std::find_if(entries.begin(), entries.end(), [](const Entry& entry) { return is_home(entry.impl); });
  return home == entries.end() ? nullptr : &*home;
}

}  // namespace

bool is_control(std::string_view label) { return label.find('#') != std::string_view::npos; }

std::string base_of(std::string_view label) { return std::string(label.substr(0, label.find('#'))); }

std::optional<double> injected_share(std::string_view label) {
  const auto at = label.find("#+");
  int percent = 0;
  if (at == std::string_view::npos ||
      std::from_chars(label.data() + at + 2, label.data() + label.size(), percent).ec != std::errc{})
    return std::nullopt;
  return percent / 100.0;
}

bool is_home(const std::string& impl) {
  const auto& all = impls();
  return std::any_of(all.begin(), all.end(), [&](const Impl& one) { return one.name == impl && one.kind == ImplKind::Variant; });
}

std::vector<Entry> control_entries(const std::vector<Entry>& entries) {
  std::vector<Entry> controls;
  for (const char* name : {"raw_epoll", "thread_local"})
    if (const Entry* const base = find(entries, name)) controls.push_back(control_of(*base, "again"));
  if (controls.empty() && !entries.empty()) controls.push_back(control_of(entries.front(), "again"));
  if (const Entry* const base = to_make_dearer(entries))
    for (const int percent : kInjectedPercent) controls.push_back(control_of(*base, fmt::format("+{}%", percent)));
  return controls;
}

}  // namespace reactorlab::bench
