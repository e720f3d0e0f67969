#pragma once
// The ablation always_attempt: TCP without the memory of a short read, so that every read begins with a system call.

#include "core/reactorlab.hpp"

namespace reactorlab::bench {

struct AttentiveTcp : TcpKind {
  template <bool>
  using Drain = NoDrainMemory;
};

template <class Rt>
class AttentiveTcpListener : public BasicListener<Rt, AttentiveTcp> {
 public:
  /// As BasicTcpListener's.
  static AttentiveTcpListener bind(Rt& runtime, SocketAddress local, typename BasicTcpListener<Rt>::Options options) {
    AttentiveTcpListener listener{runtime.ref()};
    listener.listen(bound_socket(SOCK_STREAM, local, {.reuse_address = true, .reuse_port = options.reuse_port}), local,
                    options.backlog);
    return listener;
  }

 private:
  explicit AttentiveTcpListener(typename Rt::Ref ref) noexcept : BasicListener<Rt, AttentiveTcp>{std::move(ref)} {}
};

}  // namespace reactorlab::bench
