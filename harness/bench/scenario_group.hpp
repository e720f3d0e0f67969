#pragma once
// Workloads inside the process, for the variants: groups of scenarios, each with all homes' static forms compiled in a file of its
// own.

#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/runtime.hpp"
#include "harness/engine.hpp"
#include "harness/scenarios/counters.hpp"
#include "harness/scenarios/window.hpp"
#include "reactorlab/homes.hpp"

namespace reactorlab::bench {

/// One workload on one home.
template <class Rt>
struct Scenario {
  std::string_view name;
  InProcessReport (*run)(Rt&, const InProcessRequest&);
  /// Why the home's contract excludes that cell; nullptr where it doesn't.
  const char* (*obstacle)(const Capabilities&, const InProcessRequest&) = nullptr;
};

struct ScenarioGroup {
  std::vector<std::string_view> names;
  /// REQUIRES: one of the names in request.workload. On the calling thread; throws what run_variant_in_process() throws.
  InProcessReport (*run)(std::string_view home, const RuntimeOptions& options, const InProcessRequest& request);
};

/// Each in the file of its name, variants_<group>.cpp.
[[nodiscard]] const ScenarioGroup& task_scenarios();
[[nodiscard]] const ScenarioGroup& micro_scenarios();
[[nodiscard]] const ScenarioGroup& cross_thread_scenarios();
[[nodiscard]] const ScenarioGroup& registration_scenarios();
[[nodiscard]] const ScenarioGroup& timer_scenarios();
[[nodiscard]] const ScenarioGroup& steady_io_scenarios();

/// What was counted inside the window: the runtime's statistics are read just outside its two ends.
template <class Rt>
class CountedWindow {
 public:
  CountedWindow(Rt& runtime, const InProcessRequest& request) : runtime_{runtime}, request_{request} {
    request_.on_window_open = [this, open = request.on_window_open] {
      before_ = scenarios::counters_of(runtime_.stats());
      if (open) open();
    };
    request_.on_window_close = [this, close = request.on_window_close] {
      if (close) close();
      after_ = scenarios::counters_of(runtime_.stats());
    };
  }
  CountedWindow(const CountedWindow&) = delete;

  const InProcessRequest& request() const noexcept { return request_; }
  /// Beside what the scenario itself has counted, of other runtimes for instance.
  void add_to(InProcessReport& report) const {
    for (const auto& [name, count] : after_) report.counters[name] += count - before_.at(name);
  }

 private:
  Rt& runtime_;
  InProcessRequest request_;
  std::map<std::string, std::uint64_t> before_, after_;
};

/// A cell that says how many threads run tasks means workers, where a runtime may have several; else the scenario makes more
/// runtimes.
template <class Rt>
RuntimeOptions options_for(const RuntimeOptions& options, const InProcessRequest& request) {
  RuntimeOptions adapted = options;
  if (request.params.contains("threads") && !Rt::Ref::confined) adapted.workers = scenarios::threads_param(request);
  return adapted;
}

template <class Rt>
const Scenario<Rt>& find_scenario(std::span<const Scenario<Rt>> all, std::string_view name) {
  for (const Scenario<Rt>& scenario : all)
    if (scenario.name == name) return scenario;
  throw std::invalid_argument{"this group has no workload '" + std::string{name} + "'"};
}

template <class Rt>
InProcessReport run_scenario(const Scenario<Rt>& scenario, const RuntimeOptions& options, const InProcessRequest& request) {
  if (scenario.obstacle != nullptr)
    if (const char* const reason = scenario.obstacle(Rt::description.capabilities, request)) throw NotApplicable{reason};
  Rt runtime{options_for<Rt>(options, request)};
  const CountedWindow window{runtime, request};
  InProcessReport report = scenario.run(runtime, window.request());
  window.add_to(report);
  return report;
}

/// `Table` has for each runtime type the same workloads: Table<Rt>::all. Not from an unnamed namespace: g++ 12 gives the lambdas in
/// here external linkage all the same, so that the groups would be taken for one.
template <template <class> class Table>
ScenarioGroup group_of() {
  ScenarioGroup group;
  with_runtime_type(runtime_names().front(), {}, [&](auto type) {
    for (const auto& scenario : Table<typename decltype(type)::type>::all) group.names.push_back(scenario.name);
  });
  group.run = [](std::string_view home, const RuntimeOptions& options, const InProcessRequest& request) {
    return with_runtime_type(home, options, [&](auto type) {
      using Rt = typename decltype(type)::type;
      return run_scenario<Rt>(find_scenario<Rt>(Table<Rt>::all, request.workload), options, request);
    });
  };
  return group;
}

}  // namespace reactorlab::bench
