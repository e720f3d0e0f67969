// A definition: one JSON object. What each field means is in harness/workloads/README.md.
#include "harness/bench/workload_file.hpp"

#include "harness/bench/definition_fields.hpp"
#include "harness/bench/metric.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

using json = DefinitionJson;  // a parameter that stands first in a cell varies slowest

const std::vector<Family> kFamilies = {Family::SteadyIo, Family::Accept,      Family::Mixed, Family::Scale,  Family::Registration,
                                       Family::Timers,   Family::CrossThread, Family::Micro, Family::Control};
const std::vector<Topology> kTopologies = {Topology::T1, Topology::T2Syn, Topology::T2Mix, Topology::TOver};
const std::vector<Metric> kMetrics = {Metric::ServerCpu, Metric::Wall, Metric::UserBytes, Metric::P99};

void take_params(Workload& workload, Fields& fields) {
  const json& params = fields.at("params");
  if (!params.is_object()) fields.wrong("params", "an object, {} where there are none");
  for (const auto& [name, value] : params.items()) {
    Fields param(value, fields.place_of("params." + name));
    workload.usual[name] = param.number("usual");
    workload.meanings[name] = param.text("means");
    param.done();
  }
}

/// A number, or a list of them.
std::vector<std::uint64_t> values_of(const json& value, const std::string& place) {
  const json list = value.is_array() ? value : json::array({value});
  const bool numbers = std::all_of(list.begin(), list.end(), [](const json& one) { return one.is_number_unsigned(); });
  if (list.empty() || !numbers) throw DefinitionError(place + ": has to be a number or a list of numbers");
  return list.get<std::vector<std::uint64_t>>();
}

/// All combinations of the values in one object of "cells", which has every parameter and no other.
std::vector<Params> combinations_in(const json& object, const Workload& workload, const std::string& place) {
  if (!object.is_object()) throw DefinitionError(place + ": has to be an object with a value for each parameter");
  std::vector<std::pair<std::string, std::vector<std::uint64_t>>> axes;
  for (const auto& [name, value] : object.items()) {
    if (!workload.usual.contains(name)) throw DefinitionError(fmt::format("{}.{}: isn't among the params", place, name));
    axes.emplace_back(name, values_of(value, fmt::format("{}.{}", place, name)));
  }
  for (const auto& [name, usual] : workload.usual)
    if (!object.contains(name)) throw DefinitionError(fmt::format("{}.{}: is missing", place, name));
  return product(axes);
}

void take_cells(Workload& workload, Fields& fields) {
  const json& cells = fields.at("cells");
  if (!cells.is_array() || cells.empty()) fields.wrong("cells", "a list of at least one object");
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string place = fields.place_of(fmt::format("cells[{}]", i));
    for (Params& params : combinations_in(cells[i], workload, place)) {
      if (std::find(workload.cells.begin(), workload.cells.end(), params) != workload.cells.end())
        throw DefinitionError(fmt::format("{}: has '{}' a second time", place, describe({workload.name, params})));
      workload.cells.push_back(std::move(params));
    }
  }
}

void take_in_process(Workload& workload, Fields& fields) {
  const json* const part = fields.find("in_process");
  if (part == nullptr) return;
  Fields inside(*part, fields.place_of("in_process"));
  workload.in_process = true;
  workload.operations = inside.number("operations");
  if (workload.operations == 0) inside.wrong("operations", "positive: so many are done in one sample");
  workload.foreign_threads = inside.flag("foreign_threads");
  inside.done();
}

void take_hypothesis(Workload& workload, Fields& fields) {
  Fields part(fields.at("hypothesis"), fields.place_of("hypothesis"));
  Hypothesis& hypothesis = workload.hypothesis;
  try {
    hypothesis.order = part.at("order").get<std::vector<std::vector<std::string>>>();
  } catch (const json::exception&) {
    part.wrong("order", "a list of lists of homes, the cheapest first; [] where none is expected");
  }
  hypothesis.because = part.text("because");
  hypothesis.source = part.text("source");
  hypothesis.written = part.day("written");
  part.done();
}

}  // namespace

const std::vector<WorkloadFile>& workload_files() {
  static const std::vector<WorkloadFile> all = {
#include "reactorlab/workload_files.inc"
  };
  return all;
}

Workload workload_from(const WorkloadFile& file) {
  const json object = parse_definition(file.name, file.text);
  Fields fields(object, std::string(file.name));
  Workload workload;
  workload.name = fields.text("name");
  if (file.name != workload.name + ".json") fields.wrong("name", "the file's, without .json");
  workload.family = fields.one_of("family", kFamilies, [](Family one) { return to_string(one); });
  workload.topology = fields.one_of("topology", kTopologies, [](Topology one) { return to_string(one); });
  workload.operation = fields.text("operation");
  workload.summary = fields.text("summary");
  workload.isolates = fields.text("isolates");
  workload.metric = fields.one_of("metric", kMetrics, [](Metric one) { return info_of(one).name; });
  workload.has_latency = fields.flag("has_latency");
  workload.answer = fields.text("answer");
  take_in_process(workload, fields);
  take_params(workload, fields);
  take_cells(workload, fields);
  take_hypothesis(workload, fields);
  fields.done();
  return workload;
}

}  // namespace reactorlab::bench
