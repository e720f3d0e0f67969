#include "harness/bench/workload_text.hpp"

#include "harness/bench/metric.hpp"

#include <sstream>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

constexpr std::size_t kIndent = 12;
constexpr std::size_t kColumns = 112;

/// "thread_local < arc_mutex = oncelock_global", or that there is no order.
std::string order_text(const Hypothesis& hypothesis) {
  if (hypothesis.order.empty()) return "no order";
  std::vector<std::string> groups;
  for (const auto& group : hypothesis.order) groups.push_back(fmt::format("{}", fmt::join(group, " = ")));
  return fmt::format("{} (cheapest first, = equivalent)", fmt::join(groups, " < "));
}

std::string params_text(const Workload& workload) {
  std::string text;
  for (const auto& [name, usual] : workload.usual)
    text +=
        paragraph(text.empty() ? "parameters" : "", fmt::format("{}: {} (usually {})", name, workload.meanings.at(name), usual));
  return text;
}

std::string cells_text(const Workload& workload) {
  std::string text;
  for (const Params& params : workload.cells) text += paragraph(text.empty() ? "cells" : "", describe({workload.name, params}));
  return text;
}

std::string how_text(const Workload& workload) {
  if (!workload.in_process) return "a server in a process of its own, loaded from another";
  return fmt::format("inside one process, {} operations a sample{}", workload.operations,
                     workload.foreign_threads ? ", with threads of its own beside the runtime" : "");
}

}  // namespace

std::string paragraph(const std::string& label, const std::string& text) {
  std::string all, line = fmt::format("{:<{}} ", label, kIndent - 1);
  std::istringstream words(text);
  bool empty = true;
  for (std::string word; words >> word; empty = false) {
    if (!empty && line.size() + 1 + word.size() > kColumns) {
      all += line + "\n";
      line = std::string(kIndent, ' ');
      empty = true;
    }
    line += (empty ? "" : " ") + word;
  }
  return all + line + "\n";
}

std::string line_about(const Workload& workload) {
  const MetricInfo& metric = info_of(workload.metric);
  return fmt::format("  {:<19} {} ({} of {} per {})", workload.name, workload.summary, metric.unit, metric.description,
                     workload.operation);
}

std::string text_about(const Workload& workload) {
  const MetricInfo& metric = info_of(workload.metric);
  const Hypothesis& hypothesis = workload.hypothesis;
  std::string text = paragraph(workload.name, workload.summary);
  text += paragraph("family", fmt::format("{}: {}", to_string(workload.family), meaning_of(workload.family)));
  text += paragraph("topology", fmt::format("{}: {}", to_string(workload.topology), meaning_of(workload.topology)));
  text += paragraph("how", how_text(workload));
  text += paragraph("isolates", workload.isolates);
  text += paragraph("metric", fmt::format("{}: {} of {} per {}{}", metric.name, metric.unit, metric.description, workload.operation,
                                          workload.has_latency ? "; and percentiles of latency" : ""));
  text += params_text(workload) + cells_text(workload);
  text += paragraph("answer", workload.answer);
  text += paragraph("hypothesis", order_text(hypothesis)) + paragraph("", hypothesis.because);
  text += paragraph("source", fmt::format("{}; written {}", hypothesis.source, hypothesis.written));
  return text;
}

nlohmann::json json_of(const Workload& workload) {
  const MetricInfo& metric = info_of(workload.metric);
  const Hypothesis& hypothesis = workload.hypothesis;
  nlohmann::json json = {{"name", workload.name},
                         {"family", to_string(workload.family)},
                         {"topology", to_string(workload.topology)},
                         {"summary", workload.summary},
                         {"isolates", workload.isolates},
                         {"operation", workload.operation},
                         {"metric", metric.name},
                         {"unit", metric.unit},
                         {"has_latency", workload.has_latency},
                         {"in_process", workload.in_process},
                         {"params", nlohmann::json::object()},
                         {"cells", workload.cells},
                         {"answer", workload.answer},
                         {"hypothesis",
                          {{"order", hypothesis.order},
                           {"because", hypothesis.because},
                           {"source", hypothesis.source},
                           {"written", hypothesis.written}}}};
  for (const auto& [name, usual] : workload.usual) json["params"][name] = {{"usual", usual}, {"means", workload.meanings.at(name)}};
  if (workload.in_process) {
    json["operations"] = workload.operations;
    json["foreign_threads"] = workload.foreign_threads;
  }
  return json;
}

}  // namespace reactorlab::bench
