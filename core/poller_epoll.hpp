#pragma once
// epoll, edge-triggered. Ablations derive from it (poller_ablated.cpp).

#include <sys/epoll.h>

#include "core/fd.hpp"
#include "core/mutation.hpp"
#include "core/poller.hpp"
#include "core/sync.hpp"

namespace reactorlab {

class EpollPoller : public Poller {
 public:
  /// `trigger`: EPOLLET, what else sources are to be reported by, or 0: as long as they are ready. Throws std::system_error.
  explicit EpollPoller(std::uint32_t trigger);
  ~EpollPoller() override;

  IoResult add(int fd, Token token, Interest interest) noexcept override;
  IoResult modify(int fd, Token token, Interest interest) noexcept override;
  IoResult remove(int fd) noexcept override;
  IoResult wait(std::span<Event> events, int timeout_ms) noexcept override;
  void kick() noexcept override;
  int kick_fd() const noexcept override { return kick_.get(); }

 private:
  std::uint32_t mask_of(int fd, Interest interest) const noexcept;
  IoResult control(int command, int fd, Token token, Interest interest) noexcept;

  const std::uint32_t trigger_;
  Atomic<std::size_t> sources_{0};  // the kick among them
  UniqueFd epoll_, kick_;
};

}  // namespace reactorlab
