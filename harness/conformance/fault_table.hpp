#pragma once
// Which errors a system call may come back with: what the sweep injects. As the manual pages of Linux have it.

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/sys.hpp"

namespace reactorlab::conformance {

/// What the kernel has done by the time it reports the error.
enum class Effect : std::uint8_t {
  none,  ///< nothing: the call may be made again
  full,  ///< all that was asked for; the error is news about something else
};

/// One kind of call and its errors.
struct FallibleCall {
  sys::Op op;
  std::string_view name;
  /// Narrows `op` down to calls that can fail in this way; empty: all of them.
  bool (*is)(const sys::Call&);
  /// The runtime's own business: whoever awaits the operation gets the right answer all the same.
  std::vector<int> unseen;
  /// The operation may fail with it. One that doesn't depend on the call goes on.
  std::vector<int> seen;
  Effect effect = Effect::none;
  /// The edge that has to follow an EAGAIN which isn't true (EPOLLIN, EPOLLOUT). An edge-triggered runtime is right to wait for
  /// one.
  std::uint32_t edge = 0;

  bool concerns(const sys::Call& call) const { return call.op == op && (!is || is(call)); }
};

/// Errors of programs that are wrong (EBADF, EFAULT, EINVAL, ENOTSOCK, ...) aren't there.
const std::vector<FallibleCall>& fallible_calls();

}  // namespace reactorlab::conformance
