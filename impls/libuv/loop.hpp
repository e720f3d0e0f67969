#pragma once

#include <string>

#include <uv.h>

namespace reactorlab::libuv_peer {

/// Throws std::system_error for a negative `result`; libuv's errors are the system's, negated.
void check(int result, const std::string& what);

/// Owns a uv_loop_t. It dies with its handles: those still open are closed, so their memory has to outlive it.
class Loop {
 public:
  /// `owner` is what callbacks find as handle->loop->data.
  explicit Loop(void* owner);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  [[nodiscard]] uv_loop_t* get() { return &loop_; }
  /// Until no handle is active.
  void run() { uv_run(&loop_, UV_RUN_DEFAULT); }

 private:
  uv_loop_t loop_;
};

/// Every handle of libuv begins with a uv_handle_t: that is how its C API inherits.
inline uv_handle_t* handle_of(void* handle) { return static_cast<uv_handle_t*>(handle); }

}  // namespace reactorlab::libuv_peer
