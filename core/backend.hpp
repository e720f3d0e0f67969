#pragma once
// By what means a reactor learns that something is ready.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reactorlab {

enum class Backend : std::uint8_t {
  epoll,
  uring_poll,  ///< readiness by io_uring: one multishot poll per source
  uring,       ///< completion by io_uring, of streams, listeners and UDP; readiness of the rest
};

inline constexpr std::array all_backends{Backend::epoll, Backend::uring_poll, Backend::uring};

/// `epoll`, `uring_poll`, `uring`: as on a command line.
constexpr std::string_view name_of(Backend backend) noexcept {
  switch (backend) {
    case Backend::epoll: return "epoll";
    case Backend::uring_poll: return "uring_poll";
    case Backend::uring: return "uring";
  }
  return "?";
}
constexpr std::optional<Backend> backend_named(std::string_view name) noexcept {
  for (const Backend backend : all_backends) {
    if (name_of(backend) == name) return backend;
  }
  return std::nullopt;
}

/// Which threads use a ring. `one_thread`: the one that made it, so that nothing is locked, and the kernel needs no interrupt to do
/// the ring's work and keeps it for the next call (SINGLE_ISSUER, DEFER_TASKRUN).
enum class RingUse : std::uint8_t { one_thread, any_thread };

/// Why this machine doesn't offer it, with the remedy; nothing if it does. Tries.
std::optional<std::string> why_unavailable(Backend backend);

}  // namespace reactorlab
