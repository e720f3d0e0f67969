#pragma once

#include <cstdint>
#include <optional>

#include <sys/types.h>

namespace reactorlab::measure {

inline constexpr const char* kUserMemorySource = "/proc/PID/smaps_rollup: Private_Dirty + Swap";

/// Bytes of user memory that exist because this process wrote to them: heap, stacks, anonymous mappings, and pages of
/// its binary that were copied on write. Such a page is anonymous and dirty, so Private_Dirty holds it, or Swap once it
/// was swapped out. Not counted are file pages that are merely mapped in (Private_Clean, Shared_*: they come with the
/// code that happens to run, and go under pressure), what was reserved but never written (the kernel's shared zero
/// page), and the kernel's own memory (sockets, the epoll set), which is the same for every implementation. In pages of
/// 4 KiB: over thousands of connections that is less than a byte for each.
///
/// The largest of three readings: the kernel's walk passes over what other code holds at that moment, so a reading may be too small
/// (once, of 1,024 pages just written, exactly those of one page table were missing), but never too large.
///
/// Nothing where the kernel doesn't tell, or the process is gone.
[[nodiscard]] std::optional<std::uint64_t> read_user_memory(pid_t pid);

}  // namespace reactorlab::measure
