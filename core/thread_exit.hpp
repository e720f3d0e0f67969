#pragma once

namespace reactorlab {

/// Runs `hook` when the calling thread ends. Cheap to call again. Meant for slow paths: the pools themselves are trivially
/// destructible thread_locals, so that the fast paths pay for no initialisation check.
template <void (*hook)() noexcept>
void at_thread_exit() noexcept {
  struct Exit {
    ~Exit() { hook(); }
  };
  static thread_local Exit exit;
  (void)&exit;
}

}  // namespace reactorlab
