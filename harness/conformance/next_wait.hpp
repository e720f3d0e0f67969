#pragma once
// A runtime that is about to wait with nothing left that would end the wait: the moment in which a wake is lost, or isn't.

#include <functional>
#include <utility>

#include "harness/conformance/script.hpp"
#include "harness/conformance/sync_points.hpp"

namespace reactorlab::conformance {

inline void visit_when_all_taken(Script& script, SyncPoints& points, SyncPoint point, std::function<void()> code) {
  points.at(point, [&script, &points, point, code = std::move(code)] {
    script.all_taken() ? code() : visit_when_all_taken(script, points, point, code);
  });
}

/// `code` runs on the thread that comes to this point before such a wait. A wait that is under way is ended. `epoll` from
/// Script::epoll_of. Who calls this waits until the code has run; what the code touches after a wake of its own has to
/// outlive the script.
inline void before_the_next_wait(Script& script, SyncPoints& points, int epoll, SyncPoint point, std::function<void()> code) {
  visit_when_all_taken(script, points, point, std::move(code));  // first: nobody may pass unseen
  script.inject(epoll, {}, false);
}

}  // namespace reactorlab::conformance
