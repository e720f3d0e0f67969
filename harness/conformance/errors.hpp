#pragma once
// What a call says when it refuses.

#include <string>
#include <system_error>

#include "core/error.hpp"

namespace reactorlab::conformance {

/// The errno of the std::system_error that `make` throws, or 0 if it doesn't.
template <class Make>
int error_of(Make&& make) {
  try {
    (void)make();
  } catch (const std::system_error& error) {
    return error.code().value();
  }
  return 0;
}

/// The message of the UsageError that `make` throws, or "" if it doesn't.
template <class Make>
std::string usage_error_of(Make&& make) {
  try {
    (void)make();
  } catch (const UsageError& error) {
    return error.what();
  }
  return {};
}

}  // namespace reactorlab::conformance
