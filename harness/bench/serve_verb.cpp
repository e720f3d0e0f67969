#include "harness/bench/become_engine.hpp"
#include "harness/bench/entry.hpp"
#include "harness/bench/usage.hpp"
#include "harness/bench/verbs.hpp"
#include "harness/measure/nearest_name.hpp"
#include "harness/measure/process_setup.hpp"
#include "harness/measure/sleeping_thread.hpp"
#include "harness/scenarios/work.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <system_error>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

namespace reactorlab::bench {
namespace {

/// A descriptor that becomes readable on SIGTERM or SIGINT. Made before the engine's threads, so that all inherit the
/// mask.
class StopSignal {
 public:
  StopSignal() {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGTERM);
    ::sigaddset(&set, SIGINT);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    fd_ = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd_ < 0) throw std::system_error(errno, std::system_category(), "signalfd");
  }
  ~StopSignal() { ::close(fd_); }
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_ = -1;
};

void follow_parent() {
  const pid_t parent = ::getppid();
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::raise(SIGTERM);  // it ended before the line above
}

void announce(const ServeOptions& options, std::uint16_t port) {
  if (options.path.empty())
    fmt::print("READY port={}\n", port);
  else
    fmt::print("READY path={}\n", options.path);
  std::fflush(stdout);
}

/// Requests that ask for work come over the same protocol.
std::string proto_of(const ServeOptions& options) { return options.proto == "echo_work" ? "echo" : options.proto; }

void require_servable(const ServeOptions& options) {
  const std::vector<std::string> known = {"echo", "echo_work", "echo_timeout", "unix_echo", "udp_echo"};
  if (std::find(known.begin(), known.end(), options.proto) == known.end())
    throw UsageError(measure::unknown_choice("proto", options.proto, known));
  if ((options.proto == "unix_echo") != !options.path.empty())
    throw UsageError("--path goes with --proto=unix_echo, and that needs it: name a file that doesn't exist");
  if (options.impl == "all" || options.impl == "everything" || options.impl == "engines")
    throw UsageError(fmt::format("serve serves one implementation: --impl={} can't be", options.impl));
}

Entry entry_to_serve(const ServeOptions& options) {
  if (!options.engine_entry.empty())
    return {.label = options.impl,
            .impl = options.impl,
            .backend = {},
            .locking = {},
            .workers = options.workers,
            .external = std::make_shared<const ExternalEngine>(engine_from_word(options.engine_entry))};
  const auto known = known_impls({options.impl}, options.engines);
  const EntryFilter filter = {
      .impls = {options.impl}, .backend = options.backend, .locking = options.locking, .workers = options.workers};
  EntryChoice choice = choose_entries(known, filter);
  for (const std::string& note : choice.notes) fmt::print(stderr, "bench: {}\n", note);
  return std::move(choice.entries.front());
}

void prepare_process(const ServeOptions& options) {
  if (options.die_with_parent) follow_parent();
  if (options.cpu) measure::pin_this_thread({*options.cpu});
  measure::raise_descriptor_limit();
}

}  // namespace

int serve_verb(const ServeOptions& options) {
  require_servable(options);
  const Entry entry = entry_to_serve(options);
  if (entry.external != nullptr) {
    if (options.proto != "echo") throw UsageError(fmt::format("an engine of another language serves echo, not {}", options.proto));
    prepare_process(options);
    become_engine(*entry.external, {.port = options.port, .workers = entry.workers});
  }
  const auto engine = make_engine(entry.impl);
  if (const auto refusal = engine->refusal_of(proto_of(options)))
    throw UsageError(fmt::format("{} doesn't serve {}: {}", entry.impl, options.proto, *refusal));
  const StopSignal stop;
  prepare_process(options);
  const measure::SleepingThread asleep;
  work::requests_ask = options.proto == "echo_work";
  const ServeReport report = engine->serve({.proto = proto_of(options),
                                            .path = options.path,
                                            .port = options.port,
                                            .backend = entry.backend,
                                            .locking = entry.locking,
                                            .ablation = entry.ablation,
                                            .workers = entry.workers,
                                            .requests_ask = work::requests_ask,
                                            .spin_per_mib = options.spin_per_mib,
                                            .stop_fd = stop.fd(),
                                            .on_ready = [&](std::uint16_t port) { announce(options, port); }});
  nlohmann::json statistics = {{"impl", entry.label}, {"connections", report.connections}, {"counters", report.counters}};
  if (work::requests_ask) statistics["work_units"] = work::units_done + report.work_units;
  fmt::print(stderr, "{}\n", statistics.dump());
  return kExitOk;
}

}  // namespace reactorlab::bench
