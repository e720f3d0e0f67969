#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <sys/resource.h>

namespace reactorlab::bench {

struct ChildRequest {
  std::vector<std::string> words = {};  ///< behind the program's name
  std::size_t environment_padding = 0;  ///< bytes; moves the stack
  std::string executable = "/proc/self/exe";
  std::vector<std::string> under = {};  ///< the path of a tool that runs the executable (valgrind), and its flags
  std::chrono::milliseconds limit = std::chrono::seconds{60};  ///< then it is killed
  const std::atomic<bool>* cancel = nullptr;                   ///< true: the same
};

struct ChildEnd {
  std::string output;  ///< all of its standard output
  rusage usage{};
};

/// Runs a program to its end. Anything but exit status 0 is a std::runtime_error with its last words on standard error.
[[nodiscard]] ChildEnd run_child(const ChildRequest& request);

}  // namespace reactorlab::bench
