#pragma once

#include "harness/bench/workload_file.hpp"
#include "harness/measure/nearest_name.hpp"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

/// How definitions (harness/workloads, harness/ablations) are read: every field by name, and no other. Errors are DefinitionErrors
/// that name the file, the field and what would be right.
namespace reactorlab::bench {

using DefinitionJson = nlohmann::ordered_json;  // the order in a file may mean something

[[nodiscard]] inline DefinitionJson parse_definition(std::string_view file, std::string_view text) {
  try {
    return DefinitionJson::parse(text);
  } catch (const DefinitionJson::parse_error& error) {
    throw DefinitionError(fmt::format("{}: no JSON: {}", file, error.what()));
  }
}

/// The fields of an object, each to be asked for; `done()` refuses what nobody asked for.
class Fields {
 public:
  Fields(const DefinitionJson& object, std::string place) : object_(object), place_(std::move(place)) {
    if (!object.is_object()) throw DefinitionError(place_ + ": has to be an object");
  }

  [[nodiscard]] const DefinitionJson* find(const char* name) {
    asked_.insert(name);
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  [[nodiscard]] const DefinitionJson& at(const char* name) {
    if (const DefinitionJson* const value = find(name)) return *value;
    throw DefinitionError(fmt::format("{}: is missing", place_of(name)));
  }
  [[nodiscard]] std::string text(const char* name) {
    const DefinitionJson& value = at(name);
    if (!value.is_string() || value.get_ref<const std::string&>().empty()) wrong(name, "a text that isn't empty");
    return value.get<std::string>();
  }
  [[nodiscard]] bool flag(const char* name) {
    const DefinitionJson& value = at(name);
    if (!value.is_boolean()) wrong(name, "true or false");
    return value.get<bool>();
  }
  [[nodiscard]] std::uint64_t number(const char* name) {
    const DefinitionJson& value = at(name);
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
  /// As 2026-11-29.
  [[nodiscard]] std::string day(const char* name) {
    constexpr std::string_view kShape = "0000-00-00";
    std::string typed = text(name);
    const bool right = std::equal(typed.begin(), typed.end(), kShape.begin(), kShape.end(),
                                  [](char c, char wanted) { return wanted == '0' ? c >= '0' && c <= '9' : c == wanted; });
    if (!right) wrong(name, "a day, such as 2026-11-29");
    return typed;
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
  const DefinitionJson& object_;
  std::string place_;
  std::set<std::string> asked_;
};

}  // namespace reactorlab::bench
