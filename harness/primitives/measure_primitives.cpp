#include "harness/primitives/measure_primitives.hpp"

#include "harness/measure/process_setup.hpp"
#include "harness/measure/statistics.hpp"

#include <algorithm>
#include <exception>
#include <future>
#include <system_error>

namespace reactorlab::primitives {
namespace {

/// What the rounds of one primitive gave.
struct Collected {
  std::vector<double> wall_ns;  ///< of an operation, by batch
  std::vector<double> cpu_ns;
  std::uint64_t operations = 0;
  std::string not_measured;

  void add(const Batch& batch) {
    const auto count = static_cast<double>(batch.operations);
    wall_ns.push_back(batch.wall_ns / count);
    if (batch.cpu_ns) cpu_ns.push_back(*batch.cpu_ns / count);
    operations += batch.operations;
  }
};

class Measurement {
 public:
  Measurement(const std::vector<Known>& wanted, const MeasureSettings& settings)
      : wanted_(wanted), settings_(settings), collected_(wanted.size()) {}

  std::optional<std::vector<Primitive>> run() {
    measure::pin_this_thread({settings_.cpus.own});
    for (std::size_t round = 0; round < settings_.rounds; ++round)
      for (std::size_t i = 0; i < wanted_.size(); ++i) {
        if (cancelled()) return std::nullopt;
        if (settings_.starts) settings_.starts(wanted_[i].name, round);
        take_turn(wanted_[i], collected_[i]);
        if (settings_.done) settings_.done();
      }
    return cancelled() ? std::nullopt : std::optional(results());
  }

 private:
  [[nodiscard]] bool cancelled() const { return settings_.cancel != nullptr && settings_.cancel->load(std::memory_order_relaxed); }

  /// The first batch warms up.
  void take_turn(const Known& known, Collected& into) {
    if (!into.not_measured.empty()) return;
    try {
      const auto trial = known.make(settings_.cpus);
      trial->measure();
      const Stopwatch turn;
      const double limit_ns = settings_.time_each.count() * 1e9 / static_cast<double>(settings_.rounds);
      do into.add(trial->measure());
      while (turn.ns() < limit_ns && !cancelled());
    } catch (const NotMeasurable& reason) {
      into.not_measured = reason.what();
    } catch (const std::system_error& error) {
      into.not_measured = error.what();
    }
  }

  [[nodiscard]] std::vector<Primitive> results() {
    std::vector<Primitive> all;
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      Collected& from = collected_[i];
      Primitive one{
          .name = std::string(wanted_[i].name), .summary = std::string(wanted_[i].summary), .not_measured = from.not_measured};
      if (one.measured()) {
        std::sort(from.wall_ns.begin(), from.wall_ns.end());
        one.median_ns = measure::median(from.wall_ns);
        if (from.wall_ns.size() >= kFewestForP99) one.p99_ns = quantile(from.wall_ns, 0.99);
        if (!from.cpu_ns.empty()) one.cpu_ns = measure::median(from.cpu_ns);
        one.operations = from.operations;
        one.batches = from.wall_ns.size();
      }
      all.push_back(std::move(one));
    }
    return all;
  }

  static constexpr std::size_t kFewestForP99 = 100;

  const std::vector<Known>& wanted_;
  const MeasureSettings& settings_;
  std::vector<Collected> collected_;
};

}  // namespace

std::optional<std::vector<Primitive>> measure_all(const std::vector<Known>& wanted, const MeasureSettings& settings) {
  return std::async(std::launch::async, [&] { return Measurement(wanted, settings).run(); }).get();
}

}  // namespace reactorlab::primitives
