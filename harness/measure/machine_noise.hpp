#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include <sys/types.h>

/// What else goes on on the machine, as the kernel accounts for it.
namespace reactorlab::measure {

/// Since boot, ns in which at least one task of the machine waited for a CPU (/proc/pressure/cpu). Nothing where the kernel
/// doesn't tell.
[[nodiscard]] std::optional<std::uint64_t> read_cpu_pressure_ns();

/// CPU time of processes by their numbers, ns.
using CpuOfProcesses = std::map<pid_t, std::uint64_t>;

/// Of every process that can be seen but this one and the kernel's own threads, which work for whoever asked last: the sum over
/// its living threads. Nothing where the kernel has no schedstat.
[[nodiscard]] std::optional<CpuOfProcesses> read_other_processes();

/// What those used in between that were there at the end: exact for them, and nothing of those that came and went.
[[nodiscard]] std::uint64_t cpu_used(const CpuOfProcesses& before, const CpuOfProcesses& after);

/// Of this machine's network, since boot.
struct TcpTrouble {
  std::uint64_t retransmits = 0;   ///< segments that were sent again
  std::uint64_t timeouts = 0;      ///< retransmission timers that ran out
  std::uint64_t listen_drops = 0;  ///< connections that a full queue of a listener lost

  bool operator==(const TcpTrouble&) const = default;
};

/// What was added in between.
[[nodiscard]] TcpTrouble since(const TcpTrouble& before, const TcpTrouble& after);

/// From the texts of /proc/net/snmp and /proc/net/netstat; nothing where a counter isn't in them.
[[nodiscard]] std::optional<TcpTrouble> tcp_trouble_in(std::string_view snmp, std::string_view netstat);
[[nodiscard]] std::optional<TcpTrouble> read_tcp_trouble();

}  // namespace reactorlab::measure
