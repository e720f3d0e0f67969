#pragma once

#include "harness/bench/rows.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace reactorlab::bench {

/// What one operation of an entry does, by name and number: the cost model's only source of counts. Whatever is counted anew joins
/// by its name; a rule of cost_model.cpp says what it costs.
class OperationCounts {
 public:
  /// Medians over the sound samples of a row that have the count.
  [[nodiscard]] static OperationCounts of_row(const RowSamples& row);

  /// Adds what the samples don't have, from a file of `scripts/counts` or `bench counts --json`, if it has this entry and cell.
  /// System calls by name are taken from one source only, as the two may give one call two names.
  void join_file(const nlohmann::json& file, const Sample& row);

  /// "syscalls.read" is "read". A system call that a complete list doesn't name wasn't made: 0. Nothing: not counted.
  [[nodiscard]] std::optional<double> find(std::string_view name) const;

  /// Whether the count comes from a run of its own, and not from the samples that were timed.
  [[nodiscard]] bool is_joined(std::string_view name) const;

  void set(std::string_view name, double value, bool joined = false);
  void calls_are_complete() { complete_ = true; }
  [[nodiscard]] bool empty() const { return counts_.empty(); }

 private:
  struct Count {
    double value;
    bool joined;
  };
  std::map<std::string, Count, std::less<>> counts_;
  bool complete_ = false;
};

/// Whether it names a system call that the cost model knows.
[[nodiscard]] bool is_system_call(std::string_view name);

}  // namespace reactorlab::bench
