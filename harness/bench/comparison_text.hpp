#pragma once

#include "harness/measure/comparison.hpp"

#include <string>

namespace reactorlab::bench {

/// "1.040 [1.030, 1.050]", or without an interval where there is none.
[[nodiscard]] std::string ratio_text(const measure::Ratio& ratio);

/// Behind an inconclusive verdict what it would take: " (detectable: 1.031; for 2 %: 38 rounds)". Else empty.
[[nodiscard]] std::string outlook_text(const measure::Outlook& outlook, measure::Verdict verdict);

}  // namespace reactorlab::bench
