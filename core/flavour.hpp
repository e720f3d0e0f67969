#pragma once
// The library is built in flavours from the same sources: shipped; instrumented (the conformance kit's: the three seams can be
// scripted, mutants can be switched on); simulated (the fuzzer's: instrumented, and its threads are a simulation's). One binary
// holds one flavour; see docs/decisions/0002.

#ifndef REACTORLAB_INSTRUMENTED
#define REACTORLAB_INSTRUMENTED 0
#endif
#ifndef REACTORLAB_SIMULATED
#define REACTORLAB_SIMULATED 0
#elif REACTORLAB_SIMULATED && !REACTORLAB_INSTRUMENTED
#error "the simulated flavour is an instrumented one"
#endif

// 1: every syscall goes through libc, where the sanitizers and other architectures need it.
#ifndef REACTORLAB_LIBC_SYSCALLS
#if defined(__x86_64__)
#define REACTORLAB_LIBC_SYSCALLS 0
#else
#define REACTORLAB_LIBC_SYSCALLS 1
#endif
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define REACTORLAB_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define REACTORLAB_SANITIZED 1
#endif
#endif
#ifndef REACTORLAB_SANITIZED
#define REACTORLAB_SANITIZED 0
#endif

namespace reactorlab {

inline constexpr bool instrumented = REACTORLAB_INSTRUMENTED != 0;
inline constexpr bool simulated = REACTORLAB_SIMULATED != 0;

/// Recycling pools hide use-after-free, so they stand aside (operator new) where a sanitizer watches.
inline constexpr bool sanitized = REACTORLAB_SANITIZED != 0;

// Each flavour defines only its own symbol (core/flavour.cpp) and every file that includes this header refers to the one it
// was compiled for: linking objects of one flavour with the library of the other fails for want of it.
#if REACTORLAB_SIMULATED
extern const char flavour_simulated;
[[maybe_unused]] static const char* const flavour_of_this_file = &flavour_simulated;
#elif REACTORLAB_INSTRUMENTED
extern const char flavour_instrumented;
[[maybe_unused]] static const char* const flavour_of_this_file = &flavour_instrumented;
#else
extern const char flavour_shipped;
[[maybe_unused]] static const char* const flavour_of_this_file = &flavour_shipped;
#endif

}  // namespace reactorlab
