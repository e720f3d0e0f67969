#pragma once

#include "harness/measure/process_setup.hpp"

#include <optional>
#include <system_error>
#include <vector>

namespace reactorlab::measure {

/// Pins the calling thread and gives it its CPUs back. Throws std::system_error where it may not be pinned.
class Pin {
 public:
  explicit Pin(std::optional<int> cpu) : before_(allowed_cpus()) {
    if (cpu) pin_this_thread({*cpu});
  }
  ~Pin() {
    try {
      pin_this_thread(before_);
    } catch (const std::system_error&) {  // the cpuset shrank meanwhile: where we are is where we may be
    }
  }
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;

 private:
  std::vector<int> before_;
};

}  // namespace reactorlab::measure
