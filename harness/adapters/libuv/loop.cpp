#include "harness/adapters/libuv/loop.hpp"

#include <uv.h>

#include <mutex>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "core/error.hpp"
#include "core/join.hpp"
#include "core/task_queue.hpp"

namespace reactorlab::adapters {
namespace {

/// libuv counts whole milliseconds of CLOCK_MONOTONIC.
constexpr std::uint64_t ns_per_ms = 1'000'000;
std::uint64_t first_ms_not_before(TimePoint deadline) noexcept {
  const std::uint64_t ns = nanoseconds_of(deadline);
  return ns / ns_per_ms + (ns % ns_per_ms != 0 ? 1 : 0);
}

constexpr int events_of(Direction direction) noexcept {
  return direction == Direction::read ? UV_READABLE | UV_DISCONNECT | UV_PRIORITIZED : UV_WRITABLE;
}

/// Destroys an object once libuv has done with its handle.
template <class Object>
void close_and_delete(Object* object) noexcept {
  object->handle.data = object;
  uv_close(reinterpret_cast<uv_handle_t*>(&object->handle), [](uv_handle_t* handle) { delete static_cast<Object*>(handle->data); });
}

class UvLoop final : public Loop {
 public:
  UvLoop() {
    demand(uv_loop_init(&loop_), "uv_loop_init");
    demand(uv_async_init(&loop_, &knock_, [](uv_async_t* handle) { of(handle).take_posts(); }), "uv_async_init");
    demand(uv_idle_init(&loop_, &idle_), "uv_idle_init");
    knock_.data = idle_.data = this;
  }

  ~UvLoop() override {
    if (!closed_) close_all();
  }

  /// libuv leaves it to its caller not to have two active handles of one descriptor: uv_poll_init() says UV_EEXIST only while the
  /// first is active, so that one which nobody waits for is ours to remember.
  IoResult open(int fd, Token token) noexcept override {
    if (!descriptors_.insert(fd).second) return -EEXIST;
    auto* const source = new Source{{}, *this, token, fd, 0};
    if (const int error = uv_poll_init(&loop_, &source->handle, fd)) {
      descriptors_.erase(fd);
      delete source;
      return error;
    }
    source->handle.data = source;
    sources_.emplace(token, source);
    return 0;
  }

  IoResult watch(Token token, Direction direction) noexcept override {
    const auto found = sources_.find(token);
    return found == sources_.end() ? IoResult{0} : wait_for(*found->second, found->second->events | events_of(direction));
  }

  void forget(Token token) noexcept override {
    const auto found = sources_.find(token);
    if (found == sources_.end()) return;
    descriptors_.erase(found->second->fd);
    close_and_delete(found->second);
    sources_.erase(found);
  }

  IoResult start_timer(Timer& timer, TimePoint deadline) noexcept override {
    auto* const pending = new Pending{{}, *this, timer};
    uv_timer_init(&loop_, &pending->handle);
    pending->handle.data = pending;
    timers_.emplace(&timer, pending);
    // libuv adds this to the loop's own time, which may be old; so the sum is exact whatever its age.
    const std::uint64_t due = first_ms_not_before(deadline), now = uv_now(&loop_);
    return uv_timer_start(
        &pending->handle, [](uv_timer_t* handle) { expired(*static_cast<Pending*>(handle->data)); }, due > now ? due - now : 0, 0);
  }

  void stop_timer(Timer& timer) noexcept override {
    const auto found = timers_.find(&timer);
    if (found == timers_.end()) return;
    close_and_delete(found->second);
    timers_.erase(found);
  }

  std::size_t pending_timers() noexcept override { return timers_.size(); }

  void refuse_timers() noexcept override {
    WakeBatch batch;
    for (const auto& [timer, pending] : timers_) {
      refuse(pending->timer, batch);
      close_and_delete(pending);
    }
    timers_.clear();
    batch.deliver_anywhere();
  }

  void post(TaskHeader& task) noexcept override {
    if (std::this_thread::get_id() == owner_) return push(task);
    {
      const std::lock_guard lock{posts_mutex_};
      posts_.push(task);
    }
    uv_async_send(&knock_);
  }

  void run_until_done(const TaskHeader& root) noexcept override {
    root_ = &root;
    while (!join::is_done(root)) uv_run(&loop_, UV_RUN_ONCE);
    root_ = nullptr;
  }
  void run_ready() noexcept override {
    take_posts();
    uv_run(&loop_, UV_RUN_NOWAIT);
  }
  void run() noexcept override {}
  void stop() noexcept override {}

  void close() noexcept override { close_all(); }

 private:
  struct Source {
    uv_poll_t handle;
    UvLoop& loop;
    Token token;
    int fd;
    int events;  // waited for
  };
  struct Pending {
    uv_timer_t handle;
    UvLoop& loop;
    Timer& timer;
  };

  void close_all() noexcept {
    for (const auto& [token, source] : sources_) close_and_delete(source);
    for (const auto& [timer, pending] : timers_) close_and_delete(pending);
    sources_.clear();
    timers_.clear();
    uv_close(reinterpret_cast<uv_handle_t*>(&knock_), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&idle_), nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);  // until each handle's close has been seen through
    uv_loop_close(&loop_);
    closed_ = true;
  }

  static void demand(int status, const char* what) {
    if (status < 0) throw_errno(-status, what, "raise the limit of open files (ulimit -n)");
  }
  template <class Handle>
  static UvLoop& of(Handle* handle) noexcept {
    return *static_cast<UvLoop*>(handle->data);
  }

  // --- descriptors ----------------------------------------------------------------------------------------------------------

  static IoResult wait_for(Source& source, int events) noexcept {
    if (events == source.events) return 0;
    const int error = events != 0 ? uv_poll_start(&source.handle, events, &on_poll) : uv_poll_stop(&source.handle);
    if (error == 0) source.events = events;
    return error;
  }

  static void on_poll(uv_poll_t* handle, int status, int events) noexcept {
    auto& source = *static_cast<Source*>(handle->data);
    std::uint32_t mask = 0;
    if (status < 0) {  // what poll(2) calls POLLERR; libuv has stopped the handle by now
      source.events = 0;
      mask = EPOLLERR;
    } else {
      if (events & events_of(Direction::read)) mask |= EPOLLIN;
      if (events & events_of(Direction::write)) mask |= EPOLLOUT;
      int rest = source.events;
      if (mask & EPOLLIN) rest &= ~events_of(Direction::read);
      if (mask & EPOLLOUT) rest &= ~events_of(Direction::write);
      (void)wait_for(source, rest);
    }
    source.loop.sink().ready(source.token, mask);
  }

  // --- timers ---------------------------------------------------------------------------------------------------------------

  static void expired(Pending& pending) noexcept {
    WakeBatch batch;
    fire(pending.timer, batch);
    pending.loop.stop_timer(pending.timer);  // the map's and libuv's part
    batch.deliver_anywhere();
  }

  // --- tasks ----------------------------------------------------------------------------------------------------------------

  void push(TaskHeader& task) noexcept {
    if (ready_.empty()) uv_idle_start(&idle_, [](uv_idle_t* handle) { of(handle).poll_ready(); });
    ready_.push(task);
  }

  void take_posts() noexcept {
    const std::lock_guard lock{posts_mutex_};
    while (TaskHeader* const task = posts_.pop()) push(*task);
  }

  /// Each task that is ready now, once. While the idle handle is active the loop looks for events, but doesn't wait.
  void poll_ready() noexcept {
    ready_.push(end_of_batch_);
    while (TaskHeader* const task = ready_.pop()) {
      if (task == &end_of_batch_) break;
      sink().poll(*task);
    }
    if (ready_.empty()) uv_idle_stop(&idle_);
    if (root_ && join::is_done(*root_)) uv_stop(&loop_);  // or it would go on to wait
  }

  const std::thread::id owner_ = std::this_thread::get_id();
  uv_loop_t loop_;
  uv_async_t knock_;
  uv_idle_t idle_;
  std::unordered_map<Token, Source*> sources_;
  std::unordered_set<int> descriptors_;  // of sources_
  std::unordered_map<const Timer*, Pending*> timers_;
  TaskQueue ready_;
  TaskHeader end_of_batch_;
  const TaskHeader* root_ = nullptr;
  bool closed_ = false;

  std::mutex posts_mutex_;
  TaskQueue posts_;  // guarded by posts_mutex_
};

}  // namespace

std::unique_ptr<Loop> make_libuv_loop() { return std::make_unique<UvLoop>(); }

void prepare_libuv() {
  uv_loop_t loop;
  if (uv_loop_init(&loop) == 0) uv_loop_close(&loop);
}

}  // namespace reactorlab::adapters
