#pragma once

#include <sys/types.h>

#include <utility>

#include "core/unix_address.hpp"

namespace reactorlab {

/// The file that binding a Unix socket made: its owner removes it in the end, unless the path names another file by then (a
/// successor has removed ours and bound its own). A relative path is looked up from the working directory at both times.
/// While the socket is open no other file can have our file's number.
class BoundPath {
 public:
  BoundPath() noexcept = default;
  /// Right after bind(2). For an abstract name there is nothing to remove.
  explicit BoundPath(const UnixAddress& bound) noexcept;
  BoundPath(BoundPath&& other) noexcept
      : path_{std::exchange(other.path_, UnixAddress{})}, device_{other.device_}, file_{other.file_} {}
  BoundPath& operator=(BoundPath&& other) noexcept {
    if (this != &other) {
      remove();
      path_ = std::exchange(other.path_, UnixAddress{});
      device_ = other.device_;
      file_ = other.file_;
    }
    return *this;
  }
  ~BoundPath() { remove(); }

  /// Idempotent.
  void remove() noexcept;

 private:
  UnixAddress path_;  // unnamed: nothing to remove
  dev_t device_ = 0;
  ino_t file_ = 0;
};

}  // namespace reactorlab
