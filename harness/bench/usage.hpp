#pragma once

#include <stdexcept>
#include <string>

namespace reactorlab::bench {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitUnexplained = 1;     // of `bench explain`, as 3 and 4
inline constexpr int kExitRegression = 1;      // of `bench compare`, as the next two
inline constexpr int kExitInconclusive = 3;
inline constexpr int kExitNotComparable = 4;
inline constexpr int kExitInterrupted = 130;  // as a shell reports SIGINT

/// The user asked for something that doesn't exist or can't be; the text names cause and remedy. Ends with kExitUsage.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace reactorlab::bench
