#pragma once

#include "harness/bench/engines_file.hpp"
#include "harness/engine.hpp"

#include <string>

namespace reactorlab::bench {

/// Replaces this process by the engine: process id, CPUs, limits and the signal for the parent's end stay. What of the
/// request concerns an engine is in its environment (docs/ENGINES.md). Throws std::runtime_error where it can't be started.
[[noreturn]] void become_engine(const ExternalEngine& engine, const ServeRequest& request);

/// An engine as one argument of a command line, and back: what is measured doesn't depend on what the file says meanwhile.
[[nodiscard]] std::string to_word(const ExternalEngine& engine);

/// Throws UsageError for what to_word() didn't write.
[[nodiscard]] ExternalEngine engine_from_word(const std::string& word);

}  // namespace reactorlab::bench
