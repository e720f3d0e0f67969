// A definition: one JSON object. What each field means is in harness/workloads/README.md.
#include "harness/bench/workload_file.hpp"

#include "harness/bench/metric.hpp"
#include "harness/measure/nearest_name.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace reactorlab::bench {
namespace {

using json = nlohmann::ordered_json;  // a parameter that stands first in a cell varies slowest

/// The fields of an object, each to be asked for; `done()` refuses what nobody asked for.
class Fields {
 public:
  Fields(const json& object, std::string place) : object_(object), place_(std::move(place)) {
    if (!object.is_object()) throw DefinitionError(place_ + ": has to be an object");
  }

  [[nodiscard]] const json* find(const char* name) {
    asked_.insert(name);
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  [[nodiscard]] const json& at(const char* name) {
    if (const json* const value = find(name)) return *value;
    throw DefinitionError(fmt::format("{}: is missing", place_of(name)));
  }
  [[nodiscard]] std::string text(const char* name) {
    const json& value = at(name);
    if (!value.is_string() || value.get_ref<const std::string&>().empty()) wrong(name, "a text that isn't empty");
    return value.get<std::string>();
  }
  [[nodiscard]] bool flag(const char* name) {
    const json& value = at(name);
    if (!value.is_boolean()) wrong(name, "true or false");
    return value.get<bool>();
  }
  [[nodiscard]] std::uint64_t number(const char* name) {
    const json& value = at(name);
    if (!value.is_number_unsigned()) wrong(name, "a whole number that isn't negative");
    return value.get<std::uint64_t>();
  }
  /// The one of `all` that is written so.
  template <class T, class Text>
  [[nodiscard]] T one_of(const char* name, const std::vector<T>& all, Text&& text_of) {
    const std::string typed = text(name);
    std::vector<std::string> known;
    for (const T& one : all) {
      if (text_of(one) == typed) return one;
      known.emplace_back(text_of(one));
    }
    throw DefinitionError(fmt::format("{}: {}", place_of(name), measure::unknown_choice(name, typed, known)));
  }
  [[noreturn]] void wrong(std::string_view name, std::string_view wanted) const {
    throw DefinitionError(fmt::format("{}: has to be {}", place_of(name), wanted));
  }
  void done() const {
    const std::vector<std::string> known(asked_.begin(), asked_.end());
    for (const auto& [name, value] : object_.items())
      if (!asked_.contains(name))
        throw DefinitionError(fmt::format("{}: {}", place_, measure::unknown_choice("field", name, known)));
  }
  [[nodiscard]] std::string place_of(std::string_view name) const { return fmt::format("{}: {}", place_, name); }

 private:
  const json& object_;
  std::string place_;
  std::set<std::string> asked_;
};

const std::vector<Family> kFamilies = {Family::SteadyIo, Family::Accept,      Family::Mixed, Family::Scale,  Family::Registration,
                                       Family::Timers,   Family::CrossThread, Family::Micro, Family::Control};
const std::vector<Topology> kTopologies = {Topology::T1, Topology::T2Syn, Topology::T2Mix, Topology::TOver};
const std::vector<Metric> kMetrics = {Metric::ServerCpu, Metric::Wall, Metric::UserBytes, Metric::P99};

json parsed(const WorkloadFile& file) {
  try {
    return json::parse(file.text);
  } catch (const json::parse_error& error) {
    throw DefinitionError(fmt::format("{}: no JSON: {}", file.name, error.what()));
  }
}

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

bool is_date(const std::string& text) {
  const std::string_view shape = "0000-00-00";
  return text.size() == shape.size() && std::equal(text.begin(), text.end(), shape.begin(), [](char c, char wanted) {
           return wanted == '0' ? c >= '0' && c <= '9' : c == wanted;
         });
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
  hypothesis.written = part.text("written");
  if (!is_date(hypothesis.written)) part.wrong("written", "a day, such as 2026-11-29");
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
  const json object = parsed(file);
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
