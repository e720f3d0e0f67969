// The workloads inside the process, for the variants: each home's static form behind the scenarios.

#include "harness/bench/variants_in_process.hpp"

#include <algorithm>

#include "harness/scenarios/await_chain.hpp"
#include "harness/scenarios/cross_thread_wake.hpp"
#include "harness/scenarios/post.hpp"
#include "harness/scenarios/reg_churn.hpp"
#include "harness/scenarios/spawn_join.hpp"
#include "harness/scenarios/timer_fire.hpp"
#include "harness/scenarios/timer_insert_cancel.hpp"
#include "harness/scenarios/yield.hpp"
#include "reactorlab/homes.hpp"

namespace reactorlab::bench {
namespace {

template <class Rt>
struct Scenario {
  std::string_view name;
  InProcessReport (*run)(Rt&, const InProcessRequest&);
};

template <class Rt>
constexpr Scenario<Rt> scenarios_of[] = {
    {"await_chain", &scenarios::await_chain<Rt>},
    {"spawn_join", &scenarios::spawn_join<Rt>},
    {"yield", &scenarios::yield_round<Rt>},
    {"timer_insert_cancel", &scenarios::timer_insert_cancel<Rt>},
    {"timer_fire", &scenarios::timer_fire<Rt>},
    {"cross_thread_wake", &scenarios::cross_thread_wake<Rt>},
    {"post", &scenarios::post<Rt>},
    {"reg_churn", &scenarios::reg_churn<Rt>},
};

template <class Rt>
const Scenario<Rt>& find_scenario(const std::string& name) {
  for (const Scenario<Rt>& scenario : scenarios_of<Rt>)
    if (scenario.name == name) return scenario;
  throw std::invalid_argument{"no workload inside the process is called '" + name + "'; `bench list` names them"};
}

/// What was counted inside the window: the runtime's statistics are read just outside its two ends.
template <class Rt>
class CountedWindow {
 public:
  CountedWindow(Rt& runtime, const InProcessRequest& request) : runtime_{runtime}, request_{request} {
    request_.on_window_open = [this, open = request.on_window_open] {
      before_ = counters_of(runtime_.stats());
      if (open) open();
    };
    request_.on_window_close = [this, close = request.on_window_close] {
      if (close) close();
      after_ = counters_of(runtime_.stats());
    };
  }
  CountedWindow(const CountedWindow&) = delete;

  const InProcessRequest& request() const noexcept { return request_; }
  std::map<std::string, std::uint64_t> counters() const {
    std::map<std::string, std::uint64_t> inside;
    for (const auto& [name, count] : after_) inside[name] = count - before_.at(name);
    return inside;
  }

 private:
  Rt& runtime_;
  InProcessRequest request_;
  std::map<std::string, std::uint64_t> before_, after_;
};

template <class Rt>
InProcessReport run_on(const RuntimeOptions& options, const InProcessRequest& request) {
  const Scenario<Rt>& scenario = find_scenario<Rt>(request.workload);
  Rt runtime{options};
  const CountedWindow window{runtime, request};
  InProcessReport report = scenario.run(runtime, window.request());
  report.counters = window.counters();
  return report;
}

}  // namespace

std::map<std::string, std::uint64_t> counters_of(const RuntimeStats& stats) {
  return {{"turns", stats.turns},
          {"kicks", stats.kicks},
          {"epoll_ctl_calls", stats.epoll_ctl_calls},
          {"polls", stats.polls},
          {"wakes_local", stats.wakes_local},
          {"wakes_remote", stats.wakes_remote},
          {"wakes_suppressed", stats.wakes_suppressed},
          {"steals", stats.steals},
          {"worker_parks", stats.worker_parks},
          {"lock_acquisitions", stats.lock_acquisitions},
          {"lock_contentions", stats.lock_contentions}};
}

InProcessReport run_variant_in_process(std::string_view home, const RuntimeOptions& options, const InProcessRequest& request) {
  return with_runtime_type(home, options, [&](auto type) { return run_on<typename decltype(type)::type>(options, request); });
}

}  // namespace reactorlab::bench
