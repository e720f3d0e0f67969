#pragma once

#include <optional>

#include <nlohmann/json.hpp>

/// What wasn't or couldn't be measured is null in results, never 0.
namespace reactorlab::bench {

template <class T>
[[nodiscard]] nlohmann::json or_null(const std::optional<T>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

template <class T>
[[nodiscard]] std::optional<T> optional_at(const nlohmann::json& from, const char* key) {
  const auto found = from.find(key);
  if (found == from.end() || found->is_null()) return std::nullopt;
  return found->template get<T>();
}

}  // namespace reactorlab::bench
