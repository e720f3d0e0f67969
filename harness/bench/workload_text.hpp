#pragma once

#include "harness/bench/workload.hpp"

#include <string>

#include <nlohmann/json.hpp>

namespace reactorlab::bench {

/// "label       text", broken between words, the other lines below the text.
[[nodiscard]] std::string paragraph(const std::string& label, const std::string& text);

/// Its line in `bench list`.
[[nodiscard]] std::string line_about(const Workload& workload);

/// Its whole definition, for `bench list NAME`.
[[nodiscard]] std::string text_about(const Workload& workload);

/// The same for programs.
[[nodiscard]] nlohmann::json json_of(const Workload& workload);

}  // namespace reactorlab::bench
