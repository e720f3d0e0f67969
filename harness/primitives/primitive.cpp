#include "harness/primitives/primitive.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

#include <fmt/format.h>

namespace reactorlab::primitives {
namespace {

using nlohmann::json;

template <class T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

[[noreturn]] void refuse(const std::string& source, const std::string& cause) {
  throw std::runtime_error(fmt::format("{}: {}. Name a file that `bench calibrate` wrote", source, cause));
}

/// A cost: a number that is finite and not negative.
double cost_at(const json& from, const char* key) {
  const double value = from.at(key).get<double>();
  if (!std::isfinite(value) || value < 0) throw std::runtime_error(fmt::format("{} is {}", key, value));
  return value;
}

std::optional<double> optional_cost(const json& from, const char* key) {
  return from.contains(key) && !from.at(key).is_null() ? std::optional(cost_at(from, key)) : std::nullopt;
}

json to_json(const Primitive& one) {
  json row = {{"name", one.name}, {"summary", one.summary}};
  if (!one.measured()) {
    row["not_measured"] = one.not_measured;
    return row;
  }
  row.update({{"median_ns", one.median_ns},
              {"p99_ns", or_null(one.p99_ns)},
              {"cpu_ns", or_null(one.cpu_ns)},
              {"operations", one.operations},
              {"batches", one.batches}});
  return row;
}

Primitive primitive_from_json(const json& from) {
  Primitive one{.name = from.at("name"), .summary = from.value("summary", ""), .not_measured = from.value("not_measured", "")};
  if (!one.measured()) return one;
  one.median_ns = cost_at(from, "median_ns");
  one.p99_ns = optional_cost(from, "p99_ns");
  one.cpu_ns = optional_cost(from, "cpu_ns");
  one.operations = from.value("operations", std::uint64_t{0});
  one.batches = from.value("batches", std::uint64_t{0});
  return one;
}

}  // namespace

const Primitive* PrimitiveTable::find(std::string_view name) const {
  const auto found = std::find_if(primitives.begin(), primitives.end(), [&](const Primitive& one) { return one.name == name; });
  return found == primitives.end() ? nullptr : &*found;
}

json to_json(const PrimitiveTable& table) {
  json rows = json::array();
  for (const Primitive& one : table.primitives) rows.push_back(to_json(one));
  return {{"schema", kPrimitivesSchema},
          {"unit", "ns"},
          {"measured_at", table.measured_at},
          {"machine", table.machine},
          {"primitives", rows}};
}

PrimitiveTable table_from_json(const json& from, const std::string& source) {
  if (!from.is_object() || !from.contains("primitives")) refuse(source, "it is no table of primitives");
  try {
    if (const int schema = from.at("schema"); schema != kPrimitivesSchema)
      refuse(source, fmt::format("it has schema {}, this program reads {}", schema, kPrimitivesSchema));
    PrimitiveTable table{.machine = from.value("machine", json::object()), .measured_at = from.value("measured_at", "")};
    std::set<std::string> names;
    for (const json& row : from.at("primitives")) {
      table.primitives.push_back(primitive_from_json(row));
      if (!names.insert(table.primitives.back().name).second)
        refuse(source, fmt::format("it has two primitives '{}'", table.primitives.back().name));
    }
    return table;
  } catch (const json::exception& error) {
    refuse(source, error.what());
  }
}

double quantile(const std::vector<double>& ascending, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(ascending.size())));
  return ascending[std::clamp<std::size_t>(rank, 1, ascending.size()) - 1];
}

}  // namespace reactorlab::primitives
