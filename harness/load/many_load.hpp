#pragma once

#include "harness/load/loop.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace reactorlab::load {

/// What loads have in common that have more connections than are busy: each exchanges one message when it is opened.
class ManyLoad : public Loop {
 protected:
  /// `most`: connections that there will be.
  ManyLoad(const LoadOptions& options, std::size_t most);

  /// Until there are so many, few at a time, so that a server's buffers are those of a light load and its listen queue never
  /// overflows. What is opened is watched for `more` too. False after stop().
  bool open_up_to(std::size_t count, std::uint32_t more = 0);

  bool on_events(std::span<const epoll_event> events) override;

  std::vector<Connection> connections_;

 private:
  bool open_some(std::size_t count, std::uint32_t more);
};

}  // namespace reactorlab::load
