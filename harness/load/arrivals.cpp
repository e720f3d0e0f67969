#include "harness/load/arrivals.hpp"

#include <cmath>
#include <random>
#include <stdexcept>

#include <fmt/format.h>

namespace reactorlab::load {
namespace {

/// Each time from its number, so that no rounding error adds up.
std::vector<std::uint64_t> constant(double gap_ns, double horizon_ns, std::size_t expected) {
  std::vector<std::uint64_t> times;
  times.reserve(expected + 1);
  for (double at = 0; std::round(at) < horizon_ns; at = static_cast<double>(times.size()) * gap_ns)
    times.push_back(static_cast<std::uint64_t>(std::round(at)));
  return times;
}

/// Not std::exponential_distribution: what that gives depends on the library.
std::vector<std::uint64_t> poisson(double gap_ns, double horizon_ns, std::size_t expected, std::uint64_t seed) {
  std::vector<std::uint64_t> times;
  times.reserve(expected + expected / 8 + 64);
  std::mt19937_64 random(seed);
  const auto gap = [&] { return -std::log1p(-std::ldexp(static_cast<double>(random() >> 11), -53)) * gap_ns; };
  for (double at = gap(); at < horizon_ns; at += gap()) times.push_back(static_cast<std::uint64_t>(at));
  return times;
}

}  // namespace

std::vector<std::uint64_t> schedule_of(Arrivals arrivals, double rate, std::uint64_t horizon_ns, std::uint64_t seed) {
  if (!(rate > 0)) throw std::invalid_argument(fmt::format("a rate of {} messages per second isn't positive", rate));
  const auto horizon = static_cast<double>(horizon_ns);
  const double expected = horizon * rate * 1e-9;
  if (expected > static_cast<double>(kMaxScheduled))
    throw std::invalid_argument(
        fmt::format("{:.0f} messages/s for {:.1f} s are {:.0f} messages, and the schedule has room for {}: "
                    "take a lower rate or a shorter duration",
                    rate, horizon * 1e-9, expected, kMaxScheduled));
  const auto count = static_cast<std::size_t>(expected);
  return arrivals == Arrivals::Constant ? constant(1e9 / rate, horizon, count) : poisson(1e9 / rate, horizon, count, seed);
}

}  // namespace reactorlab::load
