#include "harness/bench/calibrate_verb.hpp"
#include "harness/bench/compare_verb.hpp"
#include "harness/bench/counts_verb.hpp"
#include "harness/bench/explain_verb.hpp"
#include "harness/bench/in_process_child.hpp"
#include "harness/bench/judge_verb.hpp"
#include "harness/bench/micro_verb.hpp"
#include "harness/bench/rank_verb.hpp"
#include "harness/bench/usage.hpp"
#include "harness/bench/verbs.hpp"
#include "harness/measure/nearest_name.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace reactorlab::bench {
namespace {

/// What was parsed: one set of options for each verb.
struct Command {
  RunOptions run;
  ServeOptions serve;
  LoadVerbOptions load;
  MicroOptions micro;
  CompareOptions compare;
  CountsOptions counts;
  RankOptions rank;
  CalibrateOptions calibrate;
  ExplainOptions explain;
  JudgeOptions judge;
  InProcessChildOptions in_process_child;
  ListOptions list;
};

void add_engines(CLI::App& verb, std::string& file) {
  verb.add_option("--engines", file, "file of engines of other languages (default: engines/engines.jsonl)");
}

void add_run(CLI::App& app, RunOptions& options) {
  CLI::App& verb = *app.add_subcommand("run", "compare implementations (the default verb)");
  verb.add_option("--impl", options.impls,
                  "names from `bench list`, separated by commas, with +LOCKING and @BACKEND behind them where wanted; all: the homes and "
                  "each peer's usual shape; everything: all of this build; engines: of other languages")
      ->delimiter(',');
  add_engines(verb, options.engines);
  verb.add_option("--workload", options.workload, "regular expression on the workload's name");
  verb.add_option("--tier", options.tier, "smoke, quick (default) or standard: which cells, how many rounds");
  verb.add_option(
      "--backend", options.backend,
      "epoll, uring_poll, uring, or auto: the last of these that this machine has (default: each implementation's own)");
  verb.add_option("--locking", options.locking, "of the shared homes (default with all: each one)");
  verb.add_option("--workers", options.workers, "worker threads of each server");
  verb.add_option("--ablate", options.ablate,
                  "names of ablations from `bench list`, or all: measure homes with one design choice changed beside themselves, "
                  "as HOME~NAME")
      ->delimiter(',');
  verb.add_option("--conns", options.conns, "connections, instead of the tier's")->delimiter(',');
  verb.add_option("--payload", options.payload, "bytes of a message, instead of the tier's")->delimiter(',');
  verb.add_option("--pipeline", options.pipeline, "messages in flight on each connection, instead of the tier's")->delimiter(',');
  verb.add_option("--rounds", options.rounds, "instead of the tier's; an interval needs 6, a verdict on 9 entries 9")
      ->check(CLI::Range(1, 1000));
  verb.add_option(
          "--precision", options.precision,
          "a cell stops at a look (round 9, 15, 21, 28, 42, 56 ...) where all its intervals are within so many percent; at the "
          "latest after --rounds (then 56)")
      ->check(CLI::Range(0.01, 100.0));
  verb.add_option("--seed", options.seed, "of the order and the bytes (default: random, recorded)");
  CLI::Option* controls = verb.add_flag(
      "--controls", options.controls,
      "add entries that are known to be equal, or 2 % and 5 % dearer, to every cell; the standard tier has them in some anyway");
  verb.add_flag("--no-controls", options.no_controls, "leave them out of the standard tier")->excludes(controls);
  verb.add_option("--out", options.out, "folder of the results (default: results/<date>-<tier>)");
  verb.add_flag("--accept-noise", options.accept_noise,
                "measure the tier standard although another process is hot (`bench doctor`)");
  verb.add_option("--resume", options.resume, "continue the interrupted run in this folder, by its own plan");
}

void add_serve(CLI::App& app, ServeOptions& options) {
  CLI::App& verb = *app.add_subcommand("serve", "serve one implementation until SIGTERM or SIGINT; prints READY port=N");
  verb.add_option("--impl", options.impl, "a name from `bench list`")->required();
  add_engines(verb, options.engines);
  verb.add_option("--engine-entry", options.engine_entry)->group("");  // not for users
  verb.add_option("--backend", options.backend,
                  "epoll, uring_poll, uring, or auto: the last of these that this machine has (default: the implementation's own)");
  verb.add_option("--locking", options.locking, "of the shared homes");
  verb.add_option("--workers", options.workers, "worker threads");
  verb.add_option("--proto", options.proto, "what to speak: echo; echo_work, echo_timeout, unix_echo, udp_echo for workloads");
  verb.add_option("--path", options.path, "of the socket of unix_echo, which has no port");
  verb.add_option("--port", options.port, "on 127.0.0.1; 0, the default, takes any free one");
  verb.add_option("--cpu", options.cpu, "pin the whole server to this CPU");
  verb.add_option("--spin-per-mib", options.spin_per_mib)->group("");  // of positive controls, not for users
  verb.add_flag("--die-with-parent", options.die_with_parent, "stop when the process that started it ends");
}

constexpr const char* kLoadHelp =
    R"(Closed loop (the usual one): a connection sends its next message when the last one was answered. It finds out how fast server
and generator are together. Its latencies compare servers, but while a server stalls nobody asks, so it hides stalls.

Open loop (--rate): messages leave by a schedule that nobody can hold up, and latency counts from the scheduled time, as it does
for users who don't know of each other. It says what they wait at that rate. The generator polls and needs a CPU to itself.
  response  done - intended   what a user waits
  service   done - sent       what a closed loop would have seen
  send lag  sent - intended   how far the generator itself was behind
Gates beside the numbers say whether to believe them: rate (achieved/offered), headroom (of the generator), send_lag,
littles_law (in flight = rate x mean response), answers. Read no latency beside a gate that failed; it says why.

Saturation ladder (--ladder=LOW:HIGH:STEPS): open loops at rising rates, each the same factor above the last. It stops after the
knee: the last rate with achieved/offered >= 0.99 and a response p99 of at most 10 times that of the lowest rate. Where rows fail
headroom or send_lag too, it is the generator's knee and not the server's.

No server (--connect=self): every connection is a TCP connection to itself, so what comes back is what the kernel carries. Its rate is
what the generator reaches at most on this machine, and its send lag that of a generator which nobody disturbs.

--hgrm=FILE writes FILE.response.hgrm, FILE.service.hgrm and FILE.send_lag.hgrm (closed loop: FILE.latency.hgrm; ladder:
FILE.RATE.response.hgrm and so on) in HdrHistogram's text format, in microseconds.

  bench serve --impl=thread_local --port=7000 --cpu=0 &
  bench load --connect=127.0.0.1:7000                                      how fast can the two be?
  bench load --connect=127.0.0.1:7000 --rate=20000 --poisson --duration=10 what does a user wait at 20,000/s?
  bench load --connect=127.0.0.1:7000 --ladder=5000:200000:12              up to which rate?
  bench load --connect=self --cpu=1                                        and how fast is the generator alone?
)";

void add_load(CLI::App& app, LoadVerbOptions& options) {
  CLI::App& verb = *app.add_subcommand("load", "closed- or open-loop load on an echo server of this machine, every byte checked");
  verb.add_option("--connect", options.connect, "HOST:PORT, loopback only; or self: no server, the generator's own limit")->required();
  verb.add_option("--mode", options.mode, "echo: messages; churn: connections that come and go; idle: that only exist")
      ->check(CLI::IsMember({"echo", "churn", "idle"}));
  verb.add_option("--conns", options.conns, "connections")->check(CLI::Range(1, 1'000'000));
  verb.add_option("--payload", options.payload, "bytes of a message")->check(CLI::Range(1, 16 * 1024 * 1024));
  CLI::Option* pipeline = verb.add_option("--pipeline", options.pipeline, "messages in flight on each connection of a closed loop");
  pipeline->check(CLI::Range(1, 1024));
  CLI::Option* rate = verb.add_option("--rate", options.rate, "open loop: messages per second, of all connections together");
  rate->check(CLI::Range(0.01, 1e7))->excludes(pipeline);
  verb.add_option("--ladder", options.ladder, "open loops at rising rates up to the knee: LOW:HIGH:STEPS")
      ->excludes(rate)
      ->excludes(pipeline);
  verb.add_flag("--poisson", options.poisson, "open loop: independent arrivals, drawn from --seed; else evenly spaced");
  verb.add_option("--duration", options.duration_s, "seconds measured")->check(CLI::Range(0.001, 3600.0));
  verb.add_option("--warmup", options.warmup_s, "seconds before")->check(CLI::Range(0.0, 3600.0));
  verb.add_option("--seed", options.seed, "of the bytes, and of the times of --poisson");
  verb.add_option("--cpu", options.cpu, "pin the generator to this CPU (an open loop's default: the second one that it may use)");
  verb.add_option("--hgrm", options.hgrm, "write histograms to FILE.NAME.hgrm")->type_name("FILE");
  verb.add_flag("--json", options.json, "one JSON object on standard output");
  verb.footer(kLoadHelp);
}

void add_list(CLI::App& app, ListOptions& options) {
  CLI::App& verb = *app.add_subcommand(
      "list",
      "the implementations, engines, workloads, ablations and tiers; with the name of a workload or ablation: all about it");
  verb.add_option("workload,--workload", options.workload, "a workload or ablation to explain, with its hypothesis")
      ->type_name("NAME");
  verb.add_flag("--json", options.json, "as JSON");
  add_engines(verb, options.engines);
}

std::vector<std::string> verb_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) names.push_back(verb->get_name());
  return names;
}

/// Names what nobody asked for, with the nearest thing that exists.
void refuse_extras(const CLI::App& app, const CLI::App* verb) {
  const auto extras = app.remaining(true);
  if (extras.empty()) return;
  const std::string typed = extras.front().substr(0, extras.front().find('='));
  if (verb == nullptr || !typed.starts_with("-")) throw UsageError(measure::unknown_choice("argument", typed, verb_names(app)));
  std::vector<std::string> flags;
  for (const CLI::Option* option : verb->get_options()) flags.push_back(option->get_name());
  throw UsageError(measure::unknown_choice("flag", typed, flags));
}

/// A run is continued by its own plan.
void refuse_choices_beside_resume(const CLI::App& run) {
  if (run.count("--resume") == 0) return;
  for (const CLI::Option* option : run.get_options())
    if (option->count() > 0 && option->get_name() != "--resume" && option->get_name() != "--accept-noise")
      throw UsageError(
          fmt::format("--resume continues a run by the plan in its provenance.json: leave out {}", option->get_name()));
}

/// `bench --impl=all` means `bench run --impl=all`.
std::vector<std::string> with_default_verb(std::vector<std::string> words) {
  const bool about_program = !words.empty() && (words[0] == "-h" || words[0] == "--help");
  if (words.empty() || (words[0].starts_with("-") && !about_program)) words.insert(words.begin(), "run");
  return words;
}

int dispatch(const CLI::App& app, const Command& command) {
  const auto chosen = app.get_subcommands();
  refuse_extras(app, chosen.empty() ? nullptr : chosen.front());
  const std::string verb = chosen.front()->get_name();
  if (verb == "run") {
    refuse_choices_beside_resume(*chosen.front());
    return run_verb(command.run);
  }
  if (verb == "serve") return serve_verb(command.serve);
  if (verb == "load") return load_verb(command.load);
  if (verb == "compare") return compare_verb(command.compare);
  if (verb == "rank") return rank_verb(command.rank);
  if (verb == "counts") return counts_verb(command.counts);
  if (verb == "calibrate") return calibrate_verb(command.calibrate);
  if (verb == "explain") return explain_verb(command.explain);
  if (verb == "judge") return judge_verb(command.judge);
  if (verb == "micro") return micro_verb(command.micro);
  if (verb == kInProcessVerb) return in_process_child_verb(command.in_process_child);
  if (verb == "list") return list_verb(command.list);
  return doctor_verb();
}

int parse_and_dispatch(const std::string& program, std::vector<std::string> words) {
  CLI::App app("Where should an async reactor live? `bench --impl=all` compares every implementation.", "bench");
  Command command;
  command.run.program = program;
  command.run.command_line = words;
  add_run(app, command.run);
  add_serve(app, command.serve);
  add_load(app, command.load);
  add_compare(app, command.compare);
  add_counts(app, command.counts);
  add_rank(app, command.rank);
  add_calibrate(app, command.calibrate);
  add_explain(app, command.explain);
  add_judge(app, command.judge);
  add_list(app, command.list);
  app.add_subcommand("doctor", "what this machine can and can't measure; status 1 where another process is hot");
  add_micro(app, command.micro);
  add_in_process_child(app, command.in_process_child);
  app.allow_extras();
  for (CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) verb->allow_extras();
  words = with_default_verb(std::move(words));
  if (words.front() == "micro") command.micro.benchmark_flags = take_benchmark_flags(words);
  std::reverse(words.begin(), words.end());  // as CLI11 wants it
  try {
    app.parse(std::move(words));
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
  return dispatch(app, command);
}

}  // namespace

int run_program(int argc, const char* const* argv) {
  try {
    return parse_and_dispatch(argc > 0 ? argv[0] : "bench", {argv + std::min(argc, 1), argv + argc});
  } catch (const UsageError& error) {
    fmt::print(stderr, "bench: {}\nbench: `bench --help` and `bench VERB --help` explain, `bench list` names what there is\n",
               error.what());
    return kExitUsage;
  } catch (const std::invalid_argument& error) {  // a configuration that an engine hasn't
    fmt::print(stderr, "bench: {}\n", error.what());
    return kExitUsage;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench: {}\n", error.what());
    return kExitFailure;
  }
}

}  // namespace reactorlab::bench
