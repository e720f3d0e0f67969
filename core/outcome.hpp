#pragma once

#include <optional>
#include <utility>

#include "core/types.hpp"

namespace reactorlab {

/// A handle, or why there is none.
template <class T>
class [[nodiscard]] Outcome {
 public:
  Outcome(T value) : value_{std::move(value)} {}       // NOLINT: either of the two is an outcome
  Outcome(IoResult error) noexcept : error_{error} {}  // NOLINT
  explicit operator bool() const noexcept { return value_.has_value(); }
  T& operator*() & noexcept { return *value_; }
  T&& operator*() && noexcept { return std::move(*value_); }
  T* operator->() noexcept { return &*value_; }
  /// errno, positive; 0 if there is a value.
  int error() const noexcept { return value_ ? 0 : error_.error(); }
  std::error_code error_code() const noexcept { return {error(), std::system_category()}; }
  /// The value, or throws std::system_error.
  T take() {
    if (!value_) throw std::system_error{error_code()};
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
  IoResult error_;
};

}  // namespace reactorlab
