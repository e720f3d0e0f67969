#pragma once

#include "harness/scenarios/in_process.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// What the bench asks of a contender, and nothing more: a variant answers through its runtime, a peer in its
/// native idiom. One call per process serves everything, so the interface costs nothing per message.
namespace reactorlab {

/// What a contender is and which configurations it has. An empty list means "there is nothing to choose".
struct EngineInfo {
  std::string_view summary;                     ///< one line for `bench list`
  std::vector<std::string_view> backends = {};  ///< the first is the default
  std::vector<std::string_view> lockings = {};  ///< the first is the default
  unsigned max_workers = 1;                     ///< 0: any number
  bool in_all = true;                           ///< whether `--impl=all` takes it; what it doesn't, `everything` does
};

struct ServeRequest {
  std::string proto = "echo";  ///< or echo_timeout, unix_echo, udp_echo, where refusal_of() has nothing to say
  std::string path = {};       ///< of the socket of unix_echo, which has no port
  std::uint16_t port = 0;      ///< on 127.0.0.1; 0 takes any free port
  std::string backend = {};    ///< empty: the engine's default
  std::string locking = {};    ///< empty: the engine's default
  std::string ablation = {};   ///< of a variant: the one choice that is changed (harness/ablations); empty: none
  unsigned workers = 1;
  std::size_t read_chunk = std::size_t{32} * 1024;  ///< bytes offered to one read
  int backlog = 4096;
  bool requests_ask = false;       ///< what scenarios/work.hpp says of this process, for an engine with another copy of it
  std::uint64_t spin_per_mib = 0;  ///< work of a positive control for 2^20 bytes; only the variants' echo does it, and counts it
  int stop_fd = -1;  ///< the engine's own loop watches it; readable means: stop in order. Never read, never closed here
  std::function<void(std::uint16_t port)> on_ready = {};  ///< called once, when a connect() is sure to succeed
};

/// What the engine itself knows after it stopped. Counters cover its whole life; a counter that is absent is unknown,
/// which is different from zero.
struct ServeReport {
  std::uint64_t connections = 0;
  std::uint64_t work_units = 0;  ///< what an engine's other copy of scenarios/work.hpp counted
  std::map<std::string, std::uint64_t> counters;
};

/// What a contender can't do because its design has no such thing; the text is the reason that tables show.
class NotApplicable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Engine {
 public:
  virtual ~Engine() = default;

  [[nodiscard]] virtual EngineInfo info() const = 0;

  /// Why this machine can't run it, with the remedy; nothing where it can. Found by trying, not by version numbers.
  [[nodiscard]] virtual std::optional<std::string> obstacle() const { return std::nullopt; }

  /// Why it can't serve this protocol, half a sentence; nothing where it can.
  [[nodiscard]] virtual std::optional<std::string> refusal_of(std::string_view proto) const {
    return proto == "echo" ? std::nullopt : std::optional("its form of " + std::string(proto) + " isn't written");
  }

  /// Serves until `stop_fd` is readable, then stops accepting, closes what is open and returns.
  /// Errors: std::system_error for what the kernel refused, std::invalid_argument for a configuration that the engine
  /// doesn't have; both name cause and remedy.
  virtual ServeReport serve(const ServeRequest& request) = 0;

  /// Does the workload in the calling process. NotApplicable where there is no native idiom for it.
  virtual InProcessReport run_in_process(const InProcessRequest& request) {
    throw NotApplicable{request.workload + " has no native form here"};
  }
};

}  // namespace reactorlab
