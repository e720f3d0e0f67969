#include "harness/measure/nearest_name.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include <fmt/format.h>

namespace reactorlab::measure {
namespace {

/// Levenshtein's distance, one row at a time.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string> nearest_name(std::string_view typed, std::span<const std::string> known) {
  const auto nearest = std::min_element(
      known.begin(), known.end(), [&](const auto& a, const auto& b) { return edit_distance(typed, a) < edit_distance(typed, b); });
  if (nearest == known.end()) return std::nullopt;
  const std::size_t length = std::max(typed.size(), nearest->size());
  if (edit_distance(typed, *nearest) * 2 > length) return std::nullopt;
  return *nearest;
}

std::string unknown_choice(std::string_view what, std::string_view typed, std::span<const std::string> known) {
  const auto nearest = nearest_name(typed, known);
  return fmt::format("unknown {} '{}'{} Known: {}", what, typed,
                     nearest ? fmt::format("; did you mean '{}'?", *nearest) : std::string("."),
                     known.empty() ? std::string("none") : fmt::format("{}", fmt::join(known, ", ")));
}

}  // namespace reactorlab::measure
