#include "impls/libuv/listening.hpp"

#include "impls/libuv/loop.hpp"

#include <cerrno>
#include <string>

#include <netinet/in.h>
#include <sys/socket.h>

namespace reactorlab::libuv_peer {

void listen_on_loopback(uv_loop_t* loop, uv_tcp_t* listener, const ServeRequest& request, bool share_port,
                        uv_connection_cb on_connection) {
  check(uv_tcp_init_ex(loop, listener, AF_INET), "socket");
  uv_os_fd_t fd = -1;
  const int on = 1;
  if (share_port && uv_fileno(handle_of(listener), &fd) == 0)
    check(::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0 ? -errno : 0, "SO_REUSEPORT");
  check(uv_tcp_nodelay(listener, on), "TCP_NODELAY");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(request.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int result = uv_tcp_bind(listener, reinterpret_cast<const sockaddr*>(&address), 0);
  if (result == 0) result = uv_listen(stream_of(listener), request.backlog, on_connection);
  check(result, "cannot listen on 127.0.0.1:" + std::to_string(request.port) + " (take another --port, or 0 for any free one)");
}

std::uint16_t port_of(const uv_tcp_t* listener) {
  sockaddr_in address{};
  int size = sizeof address;
  check(uv_tcp_getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  return ntohs(address.sin_port);
}

}  // namespace reactorlab::libuv_peer
