#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

namespace reactorlab::raw_uring {

/// No buffer.
constexpr std::uint16_t kNone = 0xffff;

/// What a peer doesn't take, copied out of the pool's buffers, so that who stalls holds none of those. The bytes of a chunk stay
/// where they are until it was sent.
struct Backlog {
  std::deque<std::vector<char>> chunks;
  std::size_t sent = 0;  ///< of the first chunk
};

/// Freed only when the kernel has nothing of it in flight, so a completion may carry its address.
struct Connection {
  int fd = -1;
  bool receiving = false;                     ///< its multishot receive is armed
  bool cancelling = false;                    ///< and is being cancelled
  bool sending = false;                       ///< a send of its first bytes is in flight
  bool starved = false;                       ///< found no buffer, has nothing to echo, and waits in the list
  bool ended = false;                         ///< its peer sends no more
  bool broken = false;                        ///< nothing is echoed any more
  std::uint16_t first = kNone, last = kNone;  ///< buffers that were received, in order; the first is being sent
  std::uint16_t waiting = 0;                  ///< how many there are behind the first
  std::unique_ptr<Backlog> backlog;           ///< instead of buffers, from a full send buffer on until all is echoed
  Connection* previous = nullptr;
  Connection* next = nullptr;
};

}  // namespace reactorlab::raw_uring
