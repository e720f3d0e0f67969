#pragma once
// Late events on real objects, and the identity of slots.

#include "core/reactorlab.hpp"
#include "harness/conformance/real_objects.hpp"
#include "harness/conformance/script.hpp"

namespace reactorlab::conformance {

/// Which slot a token names; the rest of it is the generation.
inline std::uint32_t slot_of(Token token) noexcept { return static_cast<std::uint32_t>(token); }

/// A registration that is dead while the kernel goes on reporting it: its descriptor was closed behind the runtime's back, but a
/// duplicate keeps the file, and with it the kernel's registration, alive.
template <class Rt>
class Ghost {
 public:
  Ghost(Rt& rt, Script& script) : pair_{socket_pair()}, duplicate_{checked(::dup(pair_.ours.get()), "dup")} {
    const auto handle = BasicAsyncFd<Rt>::borrow(rt, pair_.ours.get());
    token_ = script.token_of(pair_.ours.get());
    pair_.ours.close();
  }
  Token token() const noexcept { return token_; }
  /// Makes the kernel report the dead token.
  void speak() { put(pair_.peer.get(), "boo"); }

 private:
  Pair pair_;
  Fd duplicate_;
  Token token_ = 0;
};

/// The script logs epoll_wait.
inline bool was_reported(const Script& script, Token token) {
  for (const LoggedCall& wait : script.log_of(sys::Op::epoll_wait)) {
    for (const Event& event : wait.events) {
      if (event.token == token) return true;
    }
  }
  return false;
}

}  // namespace reactorlab::conformance
