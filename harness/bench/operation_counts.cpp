#include "harness/bench/operation_counts.hpp"

#include "harness/measure/statistics.hpp"

#include <algorithm>
#include <array>

namespace reactorlab::bench {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 18> kSystemCalls = {
    "read",    "readv",      "recv",        "recvfrom",     "recvmsg",   "write",          "writev", "send",  "sendto",
    "sendmsg", "epoll_wait", "epoll_pwait", "epoll_pwait2", "epoll_ctl", "io_uring_enter", "futex",  "close", "accept4"};

constexpr std::string_view kCallPrefix = "syscalls.";

std::string_view plain(std::string_view name) { return name.starts_with(kCallPrefix) ? name.substr(kCallPrefix.size()) : name; }

/// Differencing two runs leaves a call that is only made at the end a little below 0.
double not_negative(double value) { return std::max(0.0, value); }

using Values = std::map<std::string, double>;

/// A row of scripts/counts: {"server", "syscalls", "allocations", "syscalls_by_name"}.
Values values_of_script(const json& file, const Sample& row) {
  Values values;
  if (file.value("workload", "") != row.cell.workload || file.value("params", Params{}) != row.cell.params ||
      file.value("workers", 1U) != row.workers)
    return values;
  for (const json& one : file.at("rows")) {
    if (one.at("server") != row.impl) continue;
    for (const char* name : {"syscalls", "allocations"})
      if (one.contains(name) && one.at(name).is_number()) values[name] = one.at(name);
    const json by_name = one.value("syscalls_by_name", json::object());  // items() refers to it
    for (const auto& [name, value] : by_name.items())
      if (value.is_number()) values[name] = value;
  }
  return values;
}

/// A cell of `bench counts --json`: {"workload", "params", "entries": [{"impl", "counts": {NAME: {"value"}}}]}.
Values values_of_verb(const json& file, const Sample& row) {
  Values values;
  for (const json& cell : file.at("cells")) {
    if (cell.at("workload") != row.cell.workload || cell.at("params").get<Params>() != row.cell.params) continue;
    for (const json& entry : cell.at("entries")) {
      if (entry.at("impl") != row.impl) continue;
      for (const auto& [name, count] : entry.at("counts").items())
        if (count.is_object() && count.at("value").is_number()) values[name] = count.at("value");
    }
  }
  return values;
}

Values values_of_file(const json& file, const Sample& row) {
  if (file.contains("rows")) return values_of_script(file, row);
  return file.contains("cells") ? values_of_verb(file, row) : Values{};
}

}  // namespace

bool is_system_call(std::string_view name) {
  return std::find(kSystemCalls.begin(), kSystemCalls.end(), plain(name)) != kSystemCalls.end();
}

OperationCounts OperationCounts::of_row(const RowSamples& row) {
  std::map<std::string, std::vector<double>> values;
  for (const Sample* sample : row)
    if (sample->sound())
      for (const auto& [name, value] : sample->counts)
        if (value) values[name].push_back(*value);
  OperationCounts counts;
  for (auto& [name, each] : values) counts.set(name, measure::median(std::move(each)));
  const bool by_name = std::any_of(values.begin(), values.end(), [](const auto& one) { return is_system_call(one.first); });
  if (by_name && values.contains("syscalls")) counts.calls_are_complete();
  return counts;
}

void OperationCounts::join_file(const json& file, const Sample& row) {
  const Values values = values_of_file(file, row);
  const bool has_calls = std::any_of(counts_.begin(), counts_.end(), [](const auto& one) { return is_system_call(one.first); });
  const bool brings_calls = std::any_of(values.begin(), values.end(), [](const auto& one) { return is_system_call(one.first); });
  for (const auto& [name, value] : values) {
    const bool call = is_system_call(name) || name == "syscalls" || name.starts_with(kCallPrefix);
    if (!counts_.contains(plain(name)) && !(call && has_calls)) set(name, not_negative(value), true);
  }
  if (!has_calls && brings_calls && counts_.contains("syscalls")) complete_ = true;
}

void OperationCounts::set(std::string_view name, double value, bool joined) {
  counts_.insert_or_assign(std::string(plain(name)), Count{value, joined});
}

std::optional<double> OperationCounts::find(std::string_view name) const {
  const auto found = counts_.find(name);
  if (found != counts_.end()) return found->second.value;
  return complete_ && is_system_call(name) ? std::optional(0.0) : std::nullopt;
}

bool OperationCounts::is_joined(std::string_view name) const {
  const auto found = counts_.find(name);
  return found != counts_.end() && found->second.joined;
}

}  // namespace reactorlab::bench
