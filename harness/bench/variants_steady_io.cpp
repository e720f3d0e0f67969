// Messages between tasks of one process, through pipes, eventfds, sockets and memory.

#include "harness/bench/scenario_group.hpp"
#include "harness/scenarios/eventfd_pingpong.hpp"
#include "harness/scenarios/fan_in.hpp"
#include "harness/scenarios/fan_out.hpp"
#include "harness/scenarios/pipe_echo.hpp"
#include "harness/scenarios/pipe_ring.hpp"
#include "harness/scenarios/proxy.hpp"
#include "harness/scenarios/socketpair_stream.hpp"

namespace reactorlab::bench {
template <class Rt>
struct SteadyIoScenarios {
  static constexpr Scenario<Rt> all[] = {
      {"eventfd_pingpong", &scenarios::eventfd_pingpong<Rt>},
      {"pipe_echo", &scenarios::pipe_echo<Rt>},
      {"pipe_ring", &scenarios::pipe_ring<Rt>},
      {"oversubscribe", &scenarios::pipe_ring<Rt>},
      {"socketpair_stream", &scenarios::socketpair_stream<Rt>},
      {"proxy", &scenarios::proxy<Rt>},
      {"fan_out", &scenarios::fan_out<Rt>},
      {"fan_in", &scenarios::fan_in<Rt>},
  };
};

const ScenarioGroup& steady_io_scenarios() {
  static const ScenarioGroup group = group_of<SteadyIoScenarios>();
  return group;
}

}  // namespace reactorlab::bench
