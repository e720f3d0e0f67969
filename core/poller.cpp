#include "core/poller.hpp"

#include "core/error.hpp"
#include "core/poller_uring.hpp"

namespace reactorlab {

std::unique_ptr<Poller> make_poller(Backend backend, RingUse use, Slab& slab, Ablation ablation) {
  if (auto ablated = make_ablated_poller(ablation, slab)) return ablated;
  switch (backend) {
    case Backend::epoll: return make_epoll_poller();
    case Backend::uring_poll: return make_uring_poller(use, slab, Completing::nothing);
    case Backend::uring: return make_uring_poller(use, slab, Completing::sockets);
  }
  throw UsageError{"unknown backend"};
}

std::optional<std::string> why_unavailable(Backend backend) { return backend == Backend::epoll ? std::nullopt : why_no_rings(); }

}  // namespace reactorlab
