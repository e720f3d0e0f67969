#include "harness/bench/workload.hpp"

#include "harness/bench/workload_file.hpp"

#include <algorithm>
#include <stdexcept>
#include <tuple>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

std::string size_text(std::uint64_t bytes) {
  return bytes >= 1024 && bytes % 1024 == 0 ? fmt::format("{} KiB", bytes / 1024) : fmt::format("{} B", bytes);
}

std::vector<Workload> all_workloads() {
  std::vector<Workload> all;
  for (const WorkloadFile& file : workload_files()) all.push_back(workload_from(file));
  std::sort(all.begin(), all.end(),
            [](const Workload& a, const Workload& b) { return std::tie(a.family, a.name) < std::tie(b.family, b.name); });
  return all;
}

const Workload* find(std::string_view name) {
  const auto& all = workloads();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Workload& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

std::string describe(const Cell& cell) {
  std::string text = cell.workload;
  const char* separator = ": ";
  for (const auto& [name, value] : cell.params) {
    if (name == "conns")
      text += fmt::format("{}{} conn{}", separator, value, value == 1 ? "" : "s");
    else if (name == "payload")
      text += separator + size_text(value);
    else
      text += fmt::format("{}{} {}", separator, name, value);
    separator = ", ";
  }
  return text;
}

const std::vector<Workload>& workloads() {
  static const std::vector<Workload> all = all_workloads();
  return all;
}

const Workload& workload_of(std::string_view name) {
  if (const Workload* const workload = find(name)) return *workload;
  throw std::out_of_range(fmt::format("there is no workload '{}'", name));
}

bool is_workload(std::string_view name) { return find(name) != nullptr; }

std::vector<std::string> workload_names() {
  std::vector<std::string> names;
  for (const Workload& workload : workloads()) names.push_back(workload.name);
  return names;
}

std::string_view to_string(Family family) {
  switch (family) {
    case Family::SteadyIo: return "steady_io";
    case Family::Accept: return "accept";
    case Family::Mixed: return "mixed";
    case Family::Scale: return "scale";
    case Family::Registration: return "registration";
    case Family::Timers: return "timers";
    case Family::CrossThread: return "cross_thread";
    case Family::Micro: return "micro";
    case Family::Control: return "control";
  }
  return "";
}

std::string_view to_string(Topology topology) {
  switch (topology) {
    case Topology::T1: return "t1";
    case Topology::T2Syn: return "t2syn";
    case Topology::T2Mix: return "t2mix";
    case Topology::TOver: return "tOver";
  }
  return "";
}

std::string_view meaning_of(Family family) {
  switch (family) {
    case Family::SteadyIo: return "messages over descriptors that live long";
    case Family::Accept: return "connections that come and go";
    case Family::Mixed: return "requests that differ: work, skew, one that misbehaves";
    case Family::Scale: return "many that are idle";
    case Family::Registration: return "descriptors that are registered and taken back";
    case Family::Timers: return "deadlines";
    case Family::CrossThread: return "threads that wake each other";
    case Family::Micro: return "single steps of a runtime, on one thread";
    case Family::Control: return "where no difference, or a known one, has to be found";
  }
  return "";
}

std::string_view meaning_of(Topology topology) {
  switch (topology) {
    case Topology::T1: return "one worker on the first CPU, its load on the second";
    case Topology::T2Syn: return "two workers, one for each CPU, the load made inside";
    case Topology::T2Mix: return "two workers and the load share both CPUs, unpinned";
    case Topology::TOver: return "more workers than CPUs";
  }
  return "";
}

std::vector<Params> product(const std::vector<std::pair<std::string, std::vector<std::uint64_t>>>& axes) {
  std::vector<Params> all = {{}};
  for (const auto& [name, values] : axes) {
    std::vector<Params> longer;
    for (const Params& params : all)
      for (const std::uint64_t value : values) longer.emplace_back(params)[name] = value;
    all = std::move(longer);
  }
  return all;
}

}  // namespace reactorlab::bench
