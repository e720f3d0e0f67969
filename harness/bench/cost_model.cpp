#include "harness/bench/cost_model.hpp"

#include "harness/bench/in_process_workloads.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <string_view>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

using primitives::Primitive;
using primitives::PrimitiveTable;

/// A share of another count that is priced elsewhere, or of a primitive in a price.
struct Part {
  double factor;
  std::string_view name;
};

/// Events of one name, without those that other rules price. What is taken off and isn't counted is taken to be none.
struct Counted {
  std::string_view name;
  std::vector<Part> less = {};
};

struct Rule {
  std::string_view name;
  std::vector<std::vector<Counted>> counts;  ///< alternatives: the first that has any of its counts, their sum
  std::vector<Part> price;                   ///< a sum of primitives; empty: there is none for this
  std::string_view whole = {};               ///< a count that contains these: where only that is there, these are priced with it
};

// --- what a wake costs, by who wakes --------------------------------------------------------------------------------------

std::vector<Part> price_of_park(Wakes wakes) {
  return {{1, wakes == Wakes::OtherCpu ? "futex_wake_idle_cpu" : "futex_wake_same_cpu"}};
}

/// The kick's write and the sleeper's wake; its epoll_wait is counted by itself.
std::vector<Part> price_of_kick(Wakes wakes) {
  return {{1, wakes == Wakes::OtherCpu ? "eventfd_wake_idle_cpu" : "eventfd_wake_same_cpu"}, {-1, "epoll_wait_ready"}};
}

/// What blocking adds to an epoll_wait: the waker's part only where the waker is one of those that are accounted for.
std::vector<Part> price_of_block(Wakes wakes) {
  if (wakes == Wakes::FromOutside) return {{1, "epoll_wait_blocked"}, {-1, "epoll_wait_ready"}};
  std::vector<Part> price = price_of_kick(wakes);
  price.push_back({-1, "eventfd_write"});
  return price;
}

// --- the rules --------------------------------------------------------------------------------------------------------------

std::vector<Rule> rules_of_waiting(const Setting& setting) {
  return {{"wait in epoll", {{{"turns"}}, {{"epoll_wait"}, {"epoll_pwait"}, {"epoll_pwait2"}}}, {{1, "epoll_wait_ready"}}},
          {"io_uring_enter", {{{"io_uring_enter"}}}, {{1, "io_uring_enter"}}},
          {"block in the kernel", {{{"voluntary_switches", {{1, "worker_parks"}, {1, "kicks"}}}}}, price_of_block(setting.wakes)},
          {"kick", {{{"kicks"}}}, price_of_kick(setting.wakes), "voluntary_switches"},
          {"park and wake of a worker", {{{"worker_parks"}}}, price_of_park(setting.wakes), "voluntary_switches"},
          {"preemption", {{{"involuntary_switches"}}}, {{1, "thread_switch"}}}};
}

std::vector<Rule> rules_of_transfer(const Setting& setting) {
  const std::vector<Part> receive = setting.tcp ? std::vector<Part>{{1, "tcp_receive"}} : std::vector<Part>{};
  const std::vector<Part> send = setting.tcp ? std::vector<Part>{{1, "tcp_send"}} : std::vector<Part>{};
  const Counted write = {"write", {{1, "kicks"}}};
  if (setting.wakes == Wakes::FromOutside)
    return {{"receive", {{{"recv"}, {"recvfrom"}, {"recvmsg"}, {"read"}, {"readv"}}}, receive},
            {"send", {{{"send"}, {"sendto"}, {"sendmsg"}, write, {"writev"}}}, send}};
  return {{"receive", {{{"recv"}, {"recvfrom"}, {"recvmsg"}}}, receive},
          {"send", {{{"send"}, {"sendto"}, {"sendmsg"}}}, send},
          {"read", {{{"read"}, {"readv"}}}, {{1, "eventfd_read"}}},
          {"write", {{write, {"writev"}}}, {{1, "eventfd_write"}}}};
}

std::vector<Rule> rules_of_the_rest(const Setting& setting) {
  const std::string_view rmw = setting.wakes == Wakes::OtherCpu ? "atomic_rmw_bounce" : "atomic_rmw";
  // Those that have a price of their own, and clock reads, which aren't calls.
  const std::vector<Part> priced = {{1, "recv"},         {1, "recvfrom"},  {1, "recvmsg"},    {1, "read"},
                                    {1, "readv"},        {1, "send"},      {1, "sendto"},     {1, "sendmsg"},
                                    {1, "write"},        {1, "writev"},    {1, "epoll_wait"}, {1, "epoll_pwait"},
                                    {1, "epoll_pwait2"}, {1, "epoll_ctl"}, {1, "futex"},      {1, "io_uring_enter"}};
  return {{"epoll_ctl", {{{"epoll_ctl_calls"}}, {{"epoll_ctl"}}}, {{0.5, "epoll_ctl_add"}, {0.5, "epoll_ctl_del"}}},
          {"lock", {{{"lock_acquisitions", {{1, "lock_contentions"}}}}}, {{1, "mutex"}}},
          {"contended lock", {{{"lock_contentions"}}}, {{1, "mutex_contended"}}},
          {"wake from another thread", {{{"wakes_remote"}}}, {{1, rmw}}},
          {"other futex call", {{{"futex", {{2, "worker_parks"}, {2, "lock_contentions"}}}}}, {{1, "futex_wake"}}},
          {"other system call", {{{"syscalls", priced}}}, {{1, "syscall"}}},
          {"allocation", {{{"allocations"}}}, {{1, "malloc_free"}}},
          {"clock read", {{{"clock_gettime"}}}, {{1, "clock_gettime"}}}};
}

std::vector<Rule> rules(const Setting& setting) {
  std::vector<Rule> all = rules_of_transfer(setting);
  for (auto more : {rules_of_waiting(setting), rules_of_the_rest(setting)}) all.insert(all.end(), more.begin(), more.end());
  return all;
}

// --- counts and prices ------------------------------------------------------------------------------------------------------

std::optional<double> number_of(const Counted& counted, const OperationCounts& counts) {
  const auto total = counts.find(counted.name);
  if (!total) return std::nullopt;
  double rest = *total;
  for (const Part& part : counted.less) rest -= part.factor * counts.find(part.name).value_or(0);
  return std::max(0.0, rest);
}

struct Found {
  std::optional<double> number;
  bool joined = false;
};

Found find_count(const Rule& rule, const OperationCounts& counts) {
  for (const auto& alternative : rule.counts) {
    Found sum;
    for (const Counted& counted : alternative)
      if (const auto number = number_of(counted, counts)) {
        sum.number = sum.number.value_or(0) + *number;
        sum.joined = sum.joined || (*number > 0 && counts.is_joined(counted.name));
      }
    if (sum.number) return sum;
  }
  if (!rule.whole.empty() && counts.find(rule.whole)) return {.number = 0};
  return {};
}

double cost_of(const Primitive& primitive, bool cpu_time) {
  return cpu_time ? primitive.cpu_ns.value_or(primitive.median_ns) : primitive.median_ns;
}

std::string formula_of(const std::vector<Part>& price) {
  std::string text;
  for (const Part& part : price) {
    text += text.empty() ? (part.factor < 0 ? "-" : "") : part.factor < 0 ? " - " : " + ";
    const double factor = std::abs(part.factor);
    text += factor == 1 ? std::string(part.name) : fmt::format("{} {}", factor, part.name);
  }
  return text;
}

/// Noise may make a difference of primitives negative; nothing costs less than nothing.
void set_price(Term& term, const Rule& rule, const Setting& setting, const PrimitiveTable& table) {
  if (rule.price.empty()) {
    term.no_price = "there is no primitive for it on this kind of descriptor";
    return;
  }
  double sum = 0;
  for (const Part& part : rule.price) {
    const Primitive* const primitive = table.find(part.name);
    if (primitive == nullptr || !primitive->measured()) {
      term.no_price = primitive == nullptr ? fmt::format("the file has no {}", part.name)
                                           : fmt::format("{} wasn't measured: {}", part.name, primitive->not_measured);
      return;
    }
    sum += part.factor * cost_of(*primitive, setting.cpu_time);
  }
  term.price_ns = std::max(0.0, sum);
}

Term term_of(const Rule& rule, const std::array<OperationCounts, 2>& counts, const Setting& setting, const PrimitiveTable& table) {
  Term term{.name = std::string(rule.name), .formula = formula_of(rule.price), .price_ns = std::nullopt};
  set_price(term, rule, setting, table);
  for (std::size_t side = 0; side < 2; ++side) {
    const Found found = find_count(rule, counts[side]);
    term.count[side] = found.number;
    term.joined[side] = found.joined;
  }
  return term;
}

bool speaks_tcp(std::string_view workload) {
  static constexpr std::array<std::string_view, 5> kOthers = {"udp", "unix", "uds", "pipe", "eventfd"};
  return std::none_of(kOthers.begin(), kOthers.end(), [&](std::string_view other) { return workload.starts_with(other); });
}

}  // namespace

Setting setting_of(const Cell& cell) {
  const Workload& workload = workload_of(cell.workload);
  const InProcessWorkload* const inside = find_in_process_workload(cell.workload);
  return {.wakes = inside == nullptr         ? Wakes::FromOutside
                   : inside->foreign_threads ? Wakes::OtherCpu
                                             : Wakes::SameCpu,
          .tcp = speaks_tcp(cell.workload),
          .cpu_time = workload.metric == Metric::ServerCpu};
}

std::optional<double> Term::cost_ns(std::size_t side) const {
  if (!count[side]) return std::nullopt;
  if (*count[side] == 0) return 0;
  return price_ns ? std::optional(*count[side] * *price_ns) : std::nullopt;
}

Prediction predict(const std::array<OperationCounts, 2>& counts, const Setting& setting, const PrimitiveTable& table) {
  Prediction prediction{};
  for (const Rule& rule : rules(setting)) {
    const Term term = term_of(rule, counts, setting, table);
    for (std::size_t side = 0; side < 2; ++side)
      if (const auto cost = term.cost_ns(side)) prediction.cost_ns[side] = prediction.cost_ns[side].value_or(0) + *cost;
    if (term.compared()) prediction.difference_ns = prediction.difference_ns.value_or(0) + *term.cost_ns(0) - *term.cost_ns(1);
    prediction.terms.push_back(term);
  }
  return prediction;
}

std::vector<std::string> priced_primitives() {
  std::set<std::string> names;
  for (const Wakes wakes : {Wakes::FromOutside, Wakes::SameCpu, Wakes::OtherCpu})
    for (const Rule& rule : rules({.wakes = wakes}))
      for (const Part& part : rule.price) names.emplace(part.name);
  return {names.begin(), names.end()};
}

MeasuredDifference difference_of(const std::vector<measure::Pair>& rounds) {
  std::vector<double> differences;
  for (const measure::Pair& pair : rounds) differences.push_back(pair.value - pair.baseline);
  return {measure::median(differences), measure::sign_test_interval(differences), rounds.size()};
}

double residual_share(double predicted_ns, double measured_ns) {
  if (measured_ns == 0) return predicted_ns == 0 ? 0 : std::numeric_limits<double>::infinity();
  return std::abs((measured_ns - predicted_ns) / measured_ns);
}

Explained judge(double predicted_ns, const MeasuredDifference& measured) {
  if (const auto& interval = measured.interval; interval && interval->low <= 0 && interval->high >= 0)
    return predicted_ns >= interval->low && predicted_ns <= interval->high ? Explained::NoDifference : Explained::No;
  return residual_share(predicted_ns, measured.median_ns) <= kUnexplained ? Explained::Yes : Explained::No;
}

}  // namespace reactorlab::bench
