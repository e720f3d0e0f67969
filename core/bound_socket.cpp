#include "core/bound_socket.hpp"

#include "core/error.hpp"

namespace reactorlab {
namespace {

const char* remedy_for_ports(int error) noexcept {
  return error == EADDRINUSE      ? "choose another port, or 0 for any, or end who has it (ss -lntup)"
         : error == EACCES        ? "ports below 1024 need root; choose a higher one"
         : error == EADDRNOTAVAIL ? "use an address of this machine, such as 127.0.0.1"
                                  : "check the address";
}

const char* remedy_for_paths(int error) noexcept {
  return error == EADDRINUSE ? "choose another name, end who has it (ss -lx), or remove the file if nobody has"
         : error == EACCES   ? "choose a directory that this user may write to"
         : error == ENOENT   ? "make the directory first"
         : error == ENOTDIR  ? "every part of the path but the last must be a directory"
         : error == EROFS    ? "choose a directory on a file system that can be written to"
                             : "check the path";
}

}  // namespace

UniqueFd new_socket(int family, int type, BindOptions options) {
  const long opened = sys::socket(family, type);
  if (opened < 0) {
    const char* const remedy =
        opened == -EAFNOSUPPORT ? "this system lacks the address family; use another" : "raise the limit of open files (ulimit -n)";
    throw_errno(static_cast<int>(-opened), "socket", remedy);
  }
  UniqueFd fd{static_cast<int>(opened)};
  const int on = 1;
  if (options.reuse_address) sys::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (options.reuse_port) sys::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  return fd;
}

void refuse_bind(int error, int family, const std::string& local) {
  throw_errno(error, "bind " + local, family == AF_UNIX ? remedy_for_paths(error) : remedy_for_ports(error));
}

void refuse_listen(int error, const std::string& local) {
  throw_errno(error, "listen on " + local, "choose another address, or port 0 for any");
}

}  // namespace reactorlab
