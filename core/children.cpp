#include "core/children.hpp"

#include <algorithm>

namespace reactorlab {

Children::~Children() {
  for (const std::size_t number : running_) join::unsubscribe(*tasks_[number]);
  cancel_all();
}

void Children::join_with(TaskHeader& child) noexcept {
  tasks_[running_.back()] = &child;
  // False: it has ended already, on another worker. take_ended() finds that without having been woken.
  (void)join::subscribe(child, Waker{parent_});
}

void Children::cancel_all() noexcept {
  for (const std::size_t number : running_) {
    if (!join::is_done(*tasks_[number])) cancel(*tasks_[number]);
  }
}

bool Children::take_ended(IoResult& number) noexcept {
  const auto ended = std::find_if(running_.begin(), running_.end(), [&](std::size_t n) { return join::is_done(*tasks_[n]); });
  if (ended == running_.end()) return false;
  number = static_cast<long>(*ended);
  running_.erase(ended);
  return true;
}

Task<> Children::all_ended() {
  TaskHeader* failed = nullptr;
  while (!running_.empty()) {
    const IoResult number = co_await next_end();
    TaskHeader& ended = *tasks_[number.count()];
    if (ended.outcome == TaskOutcome::value || failed) continue;
    failed = &ended;
    cancel_all();
  }
  if (failed) result::take<void>(*failed);
}

}  // namespace reactorlab
