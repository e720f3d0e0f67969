#pragma once

#include "harness/bench/sample.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Conditions without which a figure of a sample with a server doesn't mean what it seems to. A failure never removes a sample: it
/// stands beside the number. Pure functions; of open loops load/validity.hpp judges more closely.
namespace reactorlab::bench {

struct ValidityGate {
  std::string_view name;
  char flag;                   ///< in tables
  std::optional<bool> passed;  ///< nothing: not applicable or not known, and `text` says why
  std::optional<double> value;
  double limit;
  std::string text;
};

/// Of a sound sample with a server, always these in this order; of any other nothing:
///   rate         achieved of offered; a closed loop offers what is answered, so it has none
///   send_lag     how late messages left; a closed loop has no schedule
///   headroom     the generator's CPU wasn't its limit
///   littles_law  messages in flight, counted while the loop ran, are rate x mean latency, taken from the stamps
///   errors       every answer came, with the right bytes
///   network      no segment was sent again, no connection lost in a full queue, anywhere on the machine
[[nodiscard]] std::vector<ValidityGate> validity_gates(const Sample& sample);

/// {"headroom": {"passed": false, "value": 0.97, "limit": 0.8}, ...}; null where a gate has nothing to say.
[[nodiscard]] nlohmann::json to_json(const std::vector<ValidityGate>& gates);

/// One gate over the sound rounds of a row.
struct GateTally {
  std::string_view name;
  char flag;
  std::size_t judged = 0;
  std::size_t failed = 0;
};

/// The gates that judged anything.
[[nodiscard]] std::vector<GateTally> tally_gates(const std::vector<const Sample*>& row);

/// "[h]" where every round failed headroom, "[h 2/9]" where two did; empty where all passed.
[[nodiscard]] std::string flags_text(const std::vector<GateTally>& tallies);

/// What these flags mean, a line for each, for below a table.
[[nodiscard]] std::string flag_legend(const std::vector<GateTally>& tallies);

}  // namespace reactorlab::bench
