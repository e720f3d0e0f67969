#include "impls/libuv/loop.hpp"

#include <system_error>

namespace reactorlab::libuv_peer {

void check(int result, const std::string& what) {
  if (result < 0) throw std::system_error(-result, std::system_category(), "libuv: " + what);
}

Loop::Loop(void* owner) {
  check(uv_loop_init(&loop_), "uv_loop_init");
  loop_.data = owner;
}

Loop::~Loop() {
  uv_walk(
      &loop_,
      [](uv_handle_t* handle, void*) {
        if (uv_is_closing(handle) == 0) uv_close(handle, nullptr);
      },
      nullptr);
  run();
  uv_loop_close(&loop_);
}

}  // namespace reactorlab::libuv_peer
