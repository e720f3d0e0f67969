#pragma once

#include "harness/engine.hpp"

#include <cstdint>

namespace reactorlab::raw_epoll {

/// What a thread that serves did.
struct Counts {
  std::uint64_t accepted = 0, accept_calls = 0, accept_refused = 0, recv = 0, send = 0, epoll_wait = 0, epoll_ctl = 0, close = 0,
                full_send_buffers = 0, connection_errors = 0;

  [[nodiscard]] ServeReport report() const {
    return {.connections = accepted,
            .counters = {{"recv", recv},
                         {"send", send},
                         {"epoll_wait", epoll_wait},
                         {"epoll_ctl", epoll_ctl},
                         {"syscalls", recv + send + epoll_wait + epoll_ctl + accept_calls + close},
                         {"full_send_buffers", full_send_buffers},
                         {"accept_refused", accept_refused},
                         {"connection_errors", connection_errors}}};
  }
};

}  // namespace reactorlab::raw_epoll
