#include "harness/conformance/fault_table.hpp"

#include <fmt/format.h>
#include <unistd.h>

namespace reactorlab::conformance {
namespace {

template <int command>
bool is_control(const sys::Call& call) {
  return call.command == command;
}

bool is_eventfd(const sys::Call& call) {
  char what[64];
  const ssize_t size = ::readlink(fmt::format("/proc/self/fd/{}", call.fd).c_str(), what, sizeof what);
  return size > 0 && std::string_view{what, static_cast<std::size_t>(size)} == "anon_inode:[eventfd]";
}
bool is_no_eventfd(const sys::Call& call) { return !is_eventfd(call); }

}  // namespace

const std::vector<FallibleCall>& fallible_calls() {
  using enum sys::Op;
  static const std::vector<FallibleCall> table{
      // accept(2) asks to treat what happened to one connection like EAGAIN; a shortage is the caller's to know.
      {accept4,
       "accept4",
       nullptr,
       {EINTR, EAGAIN, ECONNABORTED, EPROTO},
       {EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM},
       Effect::none,
       EPOLLIN},
      {bind, "bind", nullptr, {}, {EADDRINUSE, EADDRNOTAVAIL, EACCES, ENOMEM}},
      // close(2): the number is free whatever it returns, so nobody may call it again.
      {close, "close", nullptr, {EINTR, EIO, ENOSPC, EDQUOT}, {}, Effect::full},
      // EAGAIN isn't "not yet" here: no port is left, or a Unix listener's queue is full.
      {connect, "connect", nullptr, {EINTR}, {EAGAIN, EADDRNOTAVAIL, ECONNREFUSED, ENETUNREACH, ETIMEDOUT, EACCES, EPERM}},
      {epoll_create1, "epoll_create1", nullptr, {}, {EMFILE, ENFILE, ENOMEM}},
      {epoll_ctl, "EPOLL_CTL_ADD", is_control<EPOLL_CTL_ADD>, {}, {ENOMEM, ENOSPC}},
      {epoll_ctl, "EPOLL_CTL_MOD", is_control<EPOLL_CTL_MOD>, {}, {ENOMEM}},
      // It was gone already: whoever owns a borrowed descriptor closed it too early.
      {epoll_ctl, "EPOLL_CTL_DEL", is_control<EPOLL_CTL_DEL>, {ENOENT}, {}, Effect::full},
      {epoll_wait, "epoll_wait", nullptr, {EINTR}, {}},
      {eventfd, "eventfd", nullptr, {}, {EMFILE, ENFILE, ENODEV, ENOMEM}},
      // F_GETFL and F_SETFL only fail where a security module forbids them.
      {fcntl, "fcntl", nullptr, {}, {EPERM, EACCES}},
      {getpeername, "getpeername", nullptr, {}, {ENOBUFS, ENOTCONN}},
      {getsockname, "getsockname", nullptr, {}, {ENOBUFS}},
      {getsockopt, "getsockopt", nullptr, {}, {ENOBUFS, ENOMEM}},  // ip(7)
      {listen, "listen", nullptr, {}, {EADDRINUSE}},
      {lstat, "lstat", nullptr, {}, {EACCES, ENOMEM}},
      {poll, "poll", nullptr, {EINTR}, {ENOMEM}},
      {read, "read", nullptr, {EINTR, EAGAIN}, {EIO}, Effect::none, EPOLLIN},
      {recv, "recv", nullptr, {EINTR, EAGAIN}, {ECONNRESET, ETIMEDOUT, ENOMEM, ENOBUFS}, Effect::none, EPOLLIN},
      {recvfrom, "recvfrom", nullptr, {EINTR, EAGAIN}, {ECONNREFUSED, ENOMEM, ENOBUFS}, Effect::none, EPOLLIN},
      // A full submission queue, of which the kernel takes nothing, is made up for.
      {ring_submission, "a ring's submission", nullptr, {EAGAIN}, {}},
      {send, "send", nullptr, {EINTR, EAGAIN}, {EPIPE, ECONNRESET, ENOBUFS, ENOMEM}, Effect::none, EPOLLOUT},
      {sendmsg, "sendmsg", nullptr, {EINTR, EAGAIN}, {EPIPE, ECONNRESET, ENOBUFS, ENOMEM}, Effect::none, EPOLLOUT},
      {sendto, "sendto", nullptr, {EINTR, EAGAIN}, {ECONNREFUSED, ENETUNREACH, ENOBUFS, ENOMEM, EPERM}, Effect::none, EPOLLOUT},
      {setsockopt, "setsockopt", nullptr, {}, {ENOBUFS, ENOMEM}},  // ip(7)
      {shutdown, "shutdown", nullptr, {}, {ENOTCONN}},
      {socket, "socket", nullptr, {}, {EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES}},
      {socketpair, "socketpair", nullptr, {}, {EMFILE, ENFILE, ENOMEM}},
      {unlink, "unlink", nullptr, {}, {EACCES, EBUSY, EIO, EROFS}},
      {write, "write", is_no_eventfd, {EINTR, EAGAIN}, {EPIPE, EIO}, Effect::none, EPOLLOUT},
      // A kick. Its counter has room for 2^64 of them, so there is no EAGAIN.
      {write, "write to an eventfd", is_eventfd, {EINTR}, {}},
  };
  return table;
}

}  // namespace reactorlab::conformance
