#include "harness/bench/open_load_verb.hpp"

#include "harness/bench/open_report.hpp"
#include "harness/bench/usage.hpp"
#include "harness/measure/hgrm.hpp"

#include <cmath>
#include <cstdio>
#include <optional>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

load::OpenLoadOptions at_rate(const LoadVerbOptions& options, const load::LoadOptions& load, double rate) {
  load::OpenLoadOptions open;
  static_cast<load::LoadOptions&>(open) = load;
  open.rate = rate;
  open.arrivals = options.poisson ? load::Arrivals::Poisson : load::Arrivals::Constant;
  return open;
}

std::optional<measure::HgrmFiles> hgrm_files(const LoadVerbOptions& options) {
  if (options.hgrm.empty()) return std::nullopt;
  return measure::HgrmFiles(options.hgrm);
}

void write_histograms(const std::optional<measure::HgrmFiles>& files, const std::string& prefix, const load::OpenTally& tally) {
  if (!files) return;
  files->write(prefix + "response", tally.response);
  files->write(prefix + "service", tally.service);
  files->write(prefix + "send_lag", tally.send_lag);
}

int interrupted() {
  fmt::print(stderr, "bench: interrupted\n");
  return kExitInterrupted;
}

int failed(const std::string& cause) {
  fmt::print(stderr, "bench: the load failed: {}\n", cause);
  return kExitFailure;
}

/// A step's p99 is compared, so it must be one at the lowest rate already. Fewer messages would do for a constant rate; with
/// Poisson arrivals their number varies by some 60.
void require_percentiles(const LoadVerbOptions& options, const load::Ladder& ladder) {
  constexpr double kMessages = 3500;
  if (ladder.low * options.duration_s < kMessages)
    throw UsageError(
        fmt::format("a p99 needs {:.0f} messages, and --ladder's lowest rate gives {:.0f} in --duration={}: take a "
                    "duration of at least {:.0f} s, or start at a higher rate",
                    kMessages, ladder.low * options.duration_s, options.duration_s, std::ceil(kMessages / ladder.low)));
}

/// A ladder, printed step by step, so that what ends it early leaves what was measured.
class LadderRun {
 public:
  LadderRun(const LoadVerbOptions& options, const load::LoadOptions& load)
      : options_(options), load_(load), ladder_(load::parse_ladder(options.ladder)), files_(hgrm_files(options)) {
    require_percentiles(options, ladder_);
  }

  int run() {
    if (!options_.json) print(ladder_heading(options_));
    const auto steps = load::climb(ladder_, [this](double rate) { return measure(rate); });
    print(options_.json ? to_json(steps).dump() + "\n" : knee_text(steps));
    if (last_.cancelled) return interrupted();
    return last_.complete() ? kExitOk : failed(last_.error);
  }

 private:
  static void print(const std::string& text) {
    fmt::print("{}", text);
    std::fflush(stdout);
  }

  std::optional<load::Step> measure(double rate) {
    last_ = load::run_open_load(at_rate(options_, load_, rate));
    if (!last_.complete()) return std::nullopt;
    write_histograms(files_, fmt::format("{:.0f}.", rate), last_.tally);
    if (options_.json)
      steps_json_.push_back(open_json(options_, rate, last_));
    else
      print(ladder_row(last_));
    return step_of(last_);
  }

  [[nodiscard]] nlohmann::json to_json(const std::vector<load::Step>& steps) const {
    const load::Knee knee = load::find_knee(steps);
    nlohmann::json rate;
    if (knee.sustained > 0) rate = steps_json_[knee.sustained - 1].at("params").at("rate");
    return {{"schema", 1},
            {"mode", options_.mode},
            {"loop", "open"},
            {"ladder", {{"low", ladder_.low}, {"high", ladder_.high}, {"steps", ladder_.steps}}},
            {"partial", !last_.complete()},
            {"knee", {{"rate", rate}, {"reached", knee.reached}, {"factor", load::kKneeFactor}}},
            {"steps", steps_json_}};
  }

  const LoadVerbOptions& options_;
  const load::LoadOptions& load_;
  const load::Ladder ladder_;
  const std::optional<measure::HgrmFiles> files_;
  load::OpenLoadResult last_;
  nlohmann::json steps_json_ = nlohmann::json::array();
};

}  // namespace

int open_load_verb(const LoadVerbOptions& options, const load::LoadOptions& load) {
  const auto files = hgrm_files(options);
  const load::OpenLoadResult result = load::run_open_load(at_rate(options, load, *options.rate));
  if (options.json)
    fmt::print("{}\n", open_json(options, *options.rate, result).dump());
  else if (result.complete())
    fmt::print("{}", open_text(options, *options.rate, result));
  if (result.cancelled) return interrupted();
  if (!result.complete()) return failed(result.error);
  if (result.tally.offered == 0) return failed("no message fell into the window: take a longer --duration or a higher --rate");
  write_histograms(files, "", result.tally);
  if (result.tally.unanswered == 0) return kExitOk;
  return failed(fmt::format(
      "{} of {} messages weren't answered within {} s of the last one: the server stalled, or can't take this rate",
      result.tally.unanswered, result.tally.offered, std::chrono::duration_cast<std::chrono::seconds>(load.patience).count()));
}

int ladder_verb(const LoadVerbOptions& options, const load::LoadOptions& load) { return LadderRun(options, load).run(); }

}  // namespace reactorlab::bench
