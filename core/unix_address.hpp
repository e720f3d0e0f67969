#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace reactorlab {

/// Where a Unix socket is found: a path in the file system, an abstract name (Linux only, gone with its socket), or nothing.
class UnixAddress {
 public:
  /// Bytes of a name. A path could have one more, without its NUL, but not every program could then connect to it.
  static constexpr std::size_t longest_name = sizeof(sockaddr_un::sun_path) - 1;

  /// Unnamed: that of a socket that was never bound. To bind to it means: any free abstract name.
  UnixAddress() noexcept { address_.sun_family = AF_UNIX; }
  /// Throws std::system_error: ENAMETOOLONG beyond `longest_name`, EINVAL if empty or with a NUL in it. Nothing is ever cut off.
  static UnixAddress path(std::string_view path);
  /// Any bytes, also NUL, count as they are. Throws std::system_error: ENAMETOOLONG beyond `longest_name`.
  static UnixAddress abstract(std::string_view name);

  bool is_unnamed() const noexcept { return size_ == header; }
  bool is_abstract() const noexcept { return !is_unnamed() && address_.sun_path[0] == '\0'; }
  bool is_path() const noexcept { return !is_unnamed() && !is_abstract(); }
  /// The path, or the abstract name without the NUL that marks it; empty if unnamed.
  std::string_view name() const noexcept;
  /// "/run/x", "@name" with other than printable bytes as \xHH, or "(unnamed)".
  std::string to_string() const;

  int family() const noexcept { return AF_UNIX; }
  friend bool operator==(const UnixAddress& a, const UnixAddress& b) noexcept {
    return a.is_abstract() == b.is_abstract() && a.is_path() == b.is_path() && a.name() == b.name();
  }

  // --- for system calls -----------------------------------------------------------------------------------------------------

  const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&address_); }
  sockaddr* data() noexcept { return reinterpret_cast<sockaddr*>(&address_); }
  socklen_t size() const noexcept { return size_; }
  static constexpr socklen_t capacity() noexcept { return sizeof(sockaddr_un); }
  /// After the kernel has written it. It says 0 for a sender without a name, and one byte too many for a path without room for
  /// its NUL.
  void resize(socklen_t size) noexcept { size_ = std::clamp(size, header, capacity()); }

 private:
  static constexpr socklen_t header = offsetof(sockaddr_un, sun_path);

  sockaddr_un address_{};
  socklen_t size_ = header;
};

}  // namespace reactorlab
