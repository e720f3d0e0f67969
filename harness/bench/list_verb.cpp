#include "harness/bench/registry.hpp"
#include "harness/bench/usage.hpp"
#include "harness/bench/verbs.hpp"
#include "harness/bench/workload.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace reactorlab::bench {
namespace {

using nlohmann::json;

json list_json() {
  json list = {{"schema", 1}, {"impls", json::array()}, {"workloads", json::array()}, {"tiers", json::array()}};
  for (const Impl& impl : impls())
    list["impls"].push_back(
        {{"name", impl.name},
         {"kind", to_string(impl.kind)},
         {"summary", impl.info.summary},
         {"backends", impl.info.backends},
         {"lockings", impl.info.lockings},
         {"max_workers", impl.info.max_workers == 0 ? json(nullptr) : json(impl.info.max_workers)}});
  for (const Workload& workload : workloads())
    list["workloads"].push_back({{"name", workload.name}, {"summary", workload.summary}, {"cells", workload.cells}});
  for (const Tier& tier : tiers()) {
    json cells = json::array();
    for (const Cell& cell : tier.cells) cells.push_back({{"workload", cell.workload}, {"params", cell.params}});
    list["tiers"].push_back(
        {{"name", tier.name}, {"summary", tier.summary}, {"rounds", tier.rounds}, {"cells", cells}});
  }
  return list;
}

void print_impl(const Impl& impl) {
  fmt::print("  {:<18} {:<8} {}\n", impl.name, to_string(impl.kind), impl.info.summary);
  fmt::print("  {:<18} {:<8} backends: {}{}\n", "", "", fmt::join(impl.info.backends, ", "),
             impl.info.lockings.empty() ? "" : fmt::format("; locking: {}", fmt::join(impl.info.lockings, ", ")));
}

}  // namespace

int list_verb(bool json_wanted) {
  if (json_wanted) {
    fmt::print("{}\n", list_json().dump(1));
    return kExitOk;
  }
  fmt::print("Implementations (--impl):\n");
  for (const Impl& impl : impls()) print_impl(impl);
  fmt::print("\nWorkloads (--workload):\n");
  for (const Workload& workload : workloads()) fmt::print("  {:<18} {}\n", workload.name, workload.summary);
  fmt::print("\nTiers (--tier):\n");
  for (const Tier& tier : tiers())
    fmt::print("  {:<18} {} ({} cells, {} rounds)\n", tier.name, tier.summary, tier.cells.size(), tier.rounds);
  return kExitOk;
}

}  // namespace reactorlab::bench
