#pragma once

namespace reactorlab {

/// A static that is never destroyed, since threads and handles may outlive static destruction. It needs no memory but its own, so
/// that its first use can't fail.
template <class T>
class Immortal {
 public:
  constexpr Immortal() : value_{} {}
  Immortal(const Immortal&) = delete;
  constexpr ~Immortal() {}
  T& get() noexcept { return value_; }

 private:
  union {
    T value_;
  };
};

}  // namespace reactorlab
