#include "core/backend_choice.hpp"

namespace reactorlab {

BackendChoice best_backend() {
  const auto why_no_completion = why_unavailable(Backend::uring);
  if (!why_no_completion) return {Backend::uring};
  return {why_unavailable(Backend::uring_poll) ? Backend::epoll : Backend::uring_poll, *why_no_completion};
}

}  // namespace reactorlab
