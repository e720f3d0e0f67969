#pragma once
// UDP over any runtime, IPv4 and IPv6. UdpSocket is the virtual form.

#include "core/address.hpp"
#include "core/bound_socket.hpp"
#include "core/datagram.hpp"
#include "core/error.hpp"

namespace reactorlab {

struct UdpKind {
  using Address = SocketAddress;
  static constexpr SourceKind source = SourceKind::datagram;
  /// What is waited for is room in our own send buffer. A receiver whose queue is full drops.
  static bool tells_of_room(int) noexcept { return true; }
};

/// Its largest datagram has 65,507 bytes over IPv4. On loopback an ICMP error comes back with the send, so that the next operation
/// of a connected socket gives -ECONNREFUSED if nobody is there.
template <class Rt>
class BasicUdpSocket : public BasicDatagramSocket<Rt, UdpKind> {
 public:
  using Options = BindOptions;

  /// To port 0: the kernel chooses one; to 0.0.0.0 or [::]: every address of the machine. Throws std::system_error with cause and
  /// remedy.
  static BasicUdpSocket bind(Rt& runtime, const SocketAddress& local, Options options = {}) {
    BasicUdpSocket socket{runtime.ref()};
    UniqueFd fd = bound_socket(SOCK_DGRAM, local, options);
    const IoResult opened = socket.open(fd);
    if (!opened) throw_errno(opened.error(), "registering the socket on " + local.to_string());
    return socket;
  }

 private:
  explicit BasicUdpSocket(typename Rt::Ref ref) noexcept : BasicDatagramSocket<Rt, UdpKind>{std::move(ref)} {}
};

using UdpSocket = BasicUdpSocket<IRuntime>;

}  // namespace reactorlab
