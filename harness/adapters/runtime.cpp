#include "harness/adapters/runtime.hpp"

#include "core/clock.hpp"
#include "core/error.hpp"

namespace reactorlab::adapters {
namespace {

RuntimeInfo checked_info(std::string_view name, Shape shape, const RuntimeOptions& options) {
  if (shape == Shape::confined && options.workers != 1)
    throw UsageError{"a confined runtime runs on the thread that made it, so workers must be 1"};
  return info_with_workers({.name = name, .summary = "", .capabilities = capabilities_of(shape)}, options.locking, options);
}

}  // namespace

PeerRuntime::PeerRuntime(std::string_view name, Shape shape, std::unique_ptr<Loop> loop, const RuntimeOptions& options)
    : info_{checked_info(name, shape, options)},
      shape_{shape},
      reactor_{std::make_shared<PeerReactor>(std::move(loop), shape)},
      executor_{reactor_->loop(), shape == Shape::confined ? std::this_thread::get_id() : std::thread::id{}} {
  Loop& mine = reactor_->loop();
  mine.attach(*this);
  if (shape == Shape::confined) {
    reactor_->set_executor(&executor_);
    return;
  }
  for (unsigned n = 0; n < options.workers; ++n) {
    threads_.emplace_back([this, &mine] {
      const PostingExecutor::OnThread here{executor_};
      mine.run();
    });
  }
}

PeerRuntime::~PeerRuntime() {
  check_block_on();  // misuse can't be thrown from here: it ends the program, with its message
  shut_down(TimePoint{});
  reactor_->set_executor(nullptr);
  shut_down(TimePoint{});  // removals that came until then
  reactor_->loop().close();
}

void PeerRuntime::operator delete(PeerRuntime* runtime, std::destroying_delete_t) noexcept {
  if (!runtime->inside_task()) return end(runtime);
  if (runtime->calls_.defer_end()) return;
  std::thread{[runtime] { end(runtime); }}.detach();
}

void PeerRuntime::shutdown(Duration drain) {
  check_block_on();
  const Call call{*this};
  shut_down(clock::now() + drain);
}

void PeerRuntime::shut_down(TimePoint until) noexcept {
  reactor_->refuse(/*listeners_only=*/true);
  if (shape_ == Shape::pool) {
    const auto step = [] { std::this_thread::yield(); };
    executor_.drain(until, step);
    const LockGuard lock{end_mutex_};  // each caller returns after the end, whoever of them it is that brings it about
    executor_.cancel_all(step);
    reactor_->loop().stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    return reactor_->refuse(/*listeners_only=*/false);
  }
  const auto step = [this] { reactor_->loop().run_ready(); };
  running_ = true;
  executor_.drain(until, step);
  executor_.cancel_all(step);
  running_ = false;
  reactor_->refuse(/*listeners_only=*/false);
}

VirtualRef PeerRuntime::virtual_ref() {
  if (!reactor_->usable_here())
    throw UsageError{"a confined runtime registers handles and timers on its own thread only; spawn a task there"};
  return VirtualRef{reactor_};
}

void PeerRuntime::check_block_on() const {
  if (shape_ == Shape::pool) return check_not_on_worker(executor_);
  if (!executor_.on_own_thread()) throw UsageError{"a confined runtime is driven by the thread that made it"};
  if (running_) throw UsageError{"block_on inside a task of the same runtime would deadlock; co_await the task"};
}

void PeerRuntime::drive_until_done(const TaskHeader& root) {
  if (shape_ == Shape::pool) return;
  running_ = true;
  reactor_->loop().run_until_done(root);
  running_ = false;
}

}  // namespace reactorlab::adapters
