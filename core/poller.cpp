#include "core/poller.hpp"

#include "core/error.hpp"
#include "core/poller_uring.hpp"

namespace reactorlab {

#if REACTORLAB_INSTRUMENTED
RingSizes sizes_of_new_rings;
#else
static constexpr RingSizes sizes_of_new_rings;
#endif

std::unique_ptr<Poller> make_poller(Backend backend, RingUse use, Slab& slab) {
  switch (backend) {
    case Backend::epoll: return make_epoll_poller();
    case Backend::uring_poll: return make_uring_poller(use, slab, Completing::nothing, sizes_of_new_rings);
    case Backend::uring: return make_uring_poller(use, slab, Completing::sockets, sizes_of_new_rings);
  }
  throw UsageError{"unknown backend"};
}

std::optional<std::string> why_unavailable(Backend backend) { return backend == Backend::epoll ? std::nullopt : why_no_rings(); }

}  // namespace reactorlab
