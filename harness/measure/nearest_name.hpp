#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace reactorlab::measure {

/// The known name that a typo most likely meant, by edit distance; nothing where none is near.
[[nodiscard]] std::optional<std::string> nearest_name(std::string_view typed, std::span<const std::string> known);

/// "unknown impl 'x'; did you mean 'y'? Known: ..." for every choice that a user can get wrong.
[[nodiscard]] std::string unknown_choice(std::string_view what, std::string_view typed, std::span<const std::string> known);

}  // namespace reactorlab::measure
