#pragma once
// Instrumented flavour: what lives as long as the process can be ended between two tests, so that the next one finds what a new
// process would find.

#include "core/sync.hpp"

#if REACTORLAB_INSTRUMENTED
namespace reactorlab {

using EndOfProcess = void (*)();
inline Atomic<EndOfProcess> end_of_process{nullptr};

/// No runtime and no handle may be left.
inline void simulate_end_of_process() {
  if (const EndOfProcess end = end_of_process.exchange(nullptr)) end();
}

}  // namespace reactorlab
#endif
