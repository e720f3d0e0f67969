#include "harness/bench/workload.hpp"

#include "harness/bench/in_process_workloads.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

std::string size_text(std::uint64_t bytes) {
  return bytes >= 1024 && bytes % 1024 == 0 ? fmt::format("{} KiB", bytes / 1024) : fmt::format("{} B", bytes);
}

std::vector<Workload> with_a_server() {
  return {{.name = "tcp_echo",
           .operation = "message",
           .summary = "closed-loop TCP echo over loopback, every byte checked: receive, wake, send",
           .has_latency = true,
           .usual = {{"conns", 64}, {"payload", 64}, {"pipeline", 1}},
           .cells = product({{"pipeline", {1, 16}}, {"payload", {64, 16384}}, {"conns", {1, 64, 1024}}})},
          {.name = "accept_churn",
           .operation = "connection",
           .summary = "connect, echo one message, reset, again, so many at once: accept, register, deregister, close",
           .has_latency = true,
           .usual = {{"conns", 16}, {"payload", 64}},
           .cells = {{{"conns", 16}, {"payload", 64}}}},
          {.name = "idle_memory",
           .operation = "connection",
           .summary = "so many connections that echoed one message and now wait: what each of them keeps",
           .metric = Metric::UserBytes,
           .usual = {{"conns", 8000}},
           .cells = {{{"conns", 8000}}}}};
}

/// CPU time is the cost of work. Where two threads wait for each other, the time that passes is.
Workload inside(const InProcessWorkload& workload) {
  return {.name = workload.name,
          .operation = "operation",
          .summary = workload.summary,
          .metric = workload.has_latency && workload.foreign_threads ? Metric::Wall : Metric::ServerCpu,
          .has_latency = workload.has_latency,
          .in_process = true,
          .cells = workload.cells};
}

std::vector<Workload> all_workloads() {
  std::vector<Workload> all = with_a_server();
  for (const InProcessWorkload& workload : in_process_workloads()) all.push_back(inside(workload));
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
