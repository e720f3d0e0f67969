#pragma once
// Construction and misuse throw; operations return IoResult. Every message names the operation, the cause and the remedy.

#include <stdexcept>
#include <string>
#include <system_error>

namespace reactorlab {

/// A programmer's error: nested block_on, a confined handle used on a foreign thread, options that can't be.
class UsageError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Thrown to whoever joins a task that was cancelled (by a handle, a timeout or shutdown) before it returned.
class TaskCancelled : public std::runtime_error {
 public:
  TaskCancelled() : std::runtime_error("the task was cancelled before it returned a value") {}
};

/// `code` is an errno (positive). "bind 127.0.0.1:80: Permission denied; remedy: ..."
[[noreturn]] void throw_errno(int code, const std::string& operation, const std::string& remedy = {});

}  // namespace reactorlab
