#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace reactorlab::primitives {

inline constexpr int kPrimitivesSchema = 1;

/// What something costs on a machine, in nanoseconds: medians over batches, of a batch's mean.
struct Primitive {
  std::string name;
  std::string summary = {};
  std::string not_measured = {};      ///< why; else empty. Then there are no figures
  double median_ns = 0;               ///< time that passes
  std::optional<double> p99_ns = {};  ///< nothing below 100 batches
  std::optional<double> cpu_ns = {};  ///< CPU time of all threads that take part; nothing where it is median_ns
  std::uint64_t operations = 0, batches = 0;

  [[nodiscard]] bool measured() const { return not_measured.empty(); }
};

/// The primitives of one machine: what `bench calibrate` writes and `bench explain` multiplies with. Plain data.
struct PrimitiveTable {
  nlohmann::json machine = nlohmann::json::object();  ///< facts; empty where the file doesn't say
  std::string measured_at = {};
  std::vector<Primitive> primitives = {};

  /// nullptr: it isn't in the table.
  [[nodiscard]] const Primitive* find(std::string_view name) const;
};

[[nodiscard]] nlohmann::json to_json(const PrimitiveTable& table);

/// Of a file, which `source` names in errors. Only "schema", and of each primitive "name" and "median_ns" or "not_measured", are
/// needed. Throws std::runtime_error with cause and remedy.
[[nodiscard]] PrimitiveTable table_from_json(const nlohmann::json& json, const std::string& source);

/// The quantile `share` of values in ascending order: the smallest one with at least this share at or below it. REQUIRES: a value.
[[nodiscard]] double quantile(const std::vector<double>& ascending, double share);

}  // namespace reactorlab::primitives
