#include "core/poller.hpp"

#include "core/error.hpp"
#include "core/mutation.hpp"
#include "core/poller_uring.hpp"

namespace reactorlab {

#if REACTORLAB_INSTRUMENTED
RingSizes sizes_of_new_rings;
#else
static constexpr RingSizes sizes_of_new_rings;
#endif

std::unique_ptr<Poller> make_poller(Backend backend, RingUse use, Slab& slab, Ablation ablation) {
  if (auto ablated = make_ablated_poller(ablation, slab)) return ablated;
  const auto completing = backend == Backend::uring ? Completing::sockets : Completing::nothing;
  if (mutated(Mutant::unavailable_ring_hidden) && backend != Backend::epoll) {
    try {
      return make_uring_poller(use, slab, completing, sizes_of_new_rings);
    } catch (const std::system_error&) {
      return make_epoll_poller();
    }
  }
  switch (backend) {
    case Backend::epoll: return make_epoll_poller();
    case Backend::uring_poll:
    case Backend::uring: return make_uring_poller(use, slab, completing, sizes_of_new_rings);
  }
  throw UsageError{"unknown backend"};
}

std::optional<std::string> why_unavailable(Backend backend) {
  if (backend == Backend::epoll) return std::nullopt;
  try {
    Slab slab;
    (void)make_poller(backend, RingUse::one_thread, slab);
    return std::nullopt;
  } catch (const std::system_error& refused) {
    return refused.what();
  }
}

}  // namespace reactorlab
