#include "harness/conformance/sync_points.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "harness/conformance/black_box.hpp"

namespace reactorlab::conformance {
namespace {

struct Visit {
  unsigned at_arrival;
  std::function<void()> code;  // empty: hold
};

struct Place {
  unsigned arrivals = 0;
  unsigned held = 0;
  unsigned releases = 0;  // bumped by each release()
  std::vector<Visit> visits;
};

/// Never destroyed and never replaced: a thread may be on its way here when a test ends.
class Hub final : public SyncPointObserver {
 public:
  static Hub& instance() {
    static Hub& hub = *new Hub;
    return hub;
  }

  void reached(SyncPoint point) noexcept override {
    std::unique_lock lock{mutex};
    if (!installed) return;
    Place& place = places[point];
    const unsigned mine = ++place.arrivals;
    changed.notify_all();
    for (std::size_t i = 0; i < place.visits.size(); ++i) {
      if (place.visits[i].at_arrival != mine) continue;
      const Visit visit = std::move(place.visits[i]);
      place.visits.erase(place.visits.begin() + static_cast<std::ptrdiff_t>(i));
      carry_out(lock, place, visit);
      return;
    }
  }

  std::mutex mutex;
  std::condition_variable changed;
  bool installed = false;
  unsigned inside = 0;
  std::map<SyncPoint, Place> places;

 private:
  void carry_out(std::unique_lock<std::mutex>& lock, Place& place, const Visit& visit) {
    ++inside;
    if (visit.code) {
      lock.unlock();
      visit.code();
      lock.lock();
    } else {
      ++place.held;
      changed.notify_all();
      changed.wait(lock, [&, seen = place.releases] { return place.releases != seen || !installed; });
      --place.held;
    }
    --inside;
    changed.notify_all();
  }
};

}  // namespace

SyncPoints::SyncPoints() {
  need_seam("sync points");
  Hub& hub = Hub::instance();
  std::lock_guard lock{hub.mutex};
  if (hub.installed) throw std::logic_error{"SyncPoints are installed already"};
  hub.installed = true;
  sync_point_observer.store(&hub, std::memory_order_release);
}

SyncPoints::~SyncPoints() {
  Hub& hub = Hub::instance();
  std::unique_lock lock{hub.mutex};
  sync_point_observer.store(nullptr, std::memory_order_release);
  hub.installed = false;
  hub.changed.notify_all();
  hub.changed.wait(lock, [&] { return hub.inside == 0; });
  hub.places.clear();
}

void SyncPoints::hold(SyncPoint point, unsigned nth) { at(point, {}, nth); }

void SyncPoints::at(SyncPoint point, std::function<void()> code, unsigned nth) {
  Hub& hub = Hub::instance();
  std::lock_guard lock{hub.mutex};
  Place& place = hub.places[point];
  place.visits.push_back({place.arrivals + nth, std::move(code)});
}

void SyncPoints::wait_until_reached(SyncPoint point) {
  Hub& hub = Hub::instance();
  std::unique_lock lock{hub.mutex};
  hub.changed.wait(lock, [&] { return hub.places[point].held != 0; });
}

void SyncPoints::release(SyncPoint point) {
  Hub& hub = Hub::instance();
  std::lock_guard lock{hub.mutex};
  ++hub.places[point].releases;
  hub.changed.notify_all();
}

unsigned SyncPoints::arrivals(SyncPoint point) const {
  Hub& hub = Hub::instance();
  std::lock_guard lock{hub.mutex};
  return hub.places[point].arrivals;
}

void SyncPoints::wait_for_arrivals(SyncPoint point, unsigned count) {
  Hub& hub = Hub::instance();
  std::unique_lock lock{hub.mutex};
  hub.changed.wait(lock, [&] { return hub.places[point].arrivals >= count; });
}

}  // namespace reactorlab::conformance
