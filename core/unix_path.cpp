#include "core/unix_path.hpp"

#include "core/sys.hpp"

namespace reactorlab {

BoundPath::BoundPath(const UnixAddress& bound) noexcept {
  struct stat status;
  if (!bound.is_path() || sys::lstat(bound.name().data(), &status) < 0) return;
  path_ = bound;
  device_ = status.st_dev;
  file_ = status.st_ino;
}

void BoundPath::remove() noexcept {
  const UnixAddress path = std::exchange(path_, UnixAddress{});
  struct stat status;
  if (!path.is_path() || sys::lstat(path.name().data(), &status) < 0) return;
  if (status.st_dev == device_ && status.st_ino == file_) sys::unlink(path.name().data());
}

}  // namespace reactorlab
