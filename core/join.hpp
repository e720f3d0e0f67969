#pragma once
// JoinHandle<T>: one of the two parties that share a spawned task's header; the other is its executor. Whoever comes last frees
// the header, so nothing is reference-counted.

#include <exception>
#include <optional>
#include <utility>

#include "core/executor.hpp"
#include "core/task.hpp"
#include "core/waker.hpp"

namespace reactorlab {

/// A thread that waits for one word.
class Parker {
 public:
  void unpark() noexcept;
  void park() noexcept;
  /// Waits for a moment, for want of anybody who could unpark.
  static void nap() noexcept;

 private:
  Atomic<std::uint32_t> released_{0};
};

namespace join {

/// The executor's side: the task has finished (result stored, frame destroyed). Wakes the joiner, or frees the header if nobody
/// waits for it. Runs on the executor's threads.
void complete(TaskHeader& task) noexcept;

inline bool is_done(const TaskHeader& task) noexcept { return task.join.load(acquire) == TaskHeader::join_done; }

void abandon_otherwise(TaskHeader& task) noexcept;

/// The handle's side: gives the header up. Any thread. Inlined is the usual case: a confined task that has finished, at home.
[[gnu::always_inline]] inline void abandon(TaskHeader& task) noexcept {
  Executor* const home = confined_executor;
  if (!home || task.executor.load(relaxed) != home || task.join.load(relaxed) != TaskHeader::join_done)
    return abandon_otherwise(task);
  result::drop(task);
  home->reclaim(task);
}

/// Parks the joiner on the task. False: it finished meanwhile. Confined: on the executor's thread; shared: anywhere.
inline bool subscribe_confined(TaskHeader& task, Waker joiner) noexcept {
  task.join.store(joiner.bits(), relaxed);
  return true;
}
bool subscribe_shared(TaskHeader& task, Waker joiner) noexcept;
inline bool subscribe(TaskHeader& task, Waker joiner) noexcept {
  return task.kind == TaskKind::confined ? subscribe_confined(task, joiner) : subscribe_shared(task, joiner);
}

/// Takes the joiner back (the awaiting operation is destroyed).
void unsubscribe(TaskHeader& task) noexcept;

}  // namespace join

template <class T>
class [[nodiscard("drop it with detach() if nobody waits for the task")]] JoinHandle {
 public:
  explicit JoinHandle(TaskHeader& task) noexcept : task_{&task} {}
  JoinHandle(JoinHandle&& other) noexcept : task_{std::exchange(other.task_, nullptr)} {}
  JoinHandle& operator=(JoinHandle&& other) noexcept {
    if (this != &other) {
      detach();
      task_ = std::exchange(other.task_, nullptr);
    }
    return *this;
  }
  /// Detaches: the task goes on, its result is destroyed when it comes.
  ~JoinHandle() { detach(); }

  bool valid() const noexcept { return task_ != nullptr; }
  bool done() const noexcept { return join::is_done(*task_); }

  void detach() noexcept {
    if (TaskHeader* const task = std::exchange(task_, nullptr)) join::abandon(*task);
  }

  /// Takes effect at the task's next suspension point: its frame is destroyed on a thread of its runtime, the join then throws
  /// TaskCancelled. Idempotent, harmless after completion. Any thread.
  void cancel() noexcept {
    if (task_ && !done()) reactorlab::cancel(*task_);
  }

  /// Blocks the calling thread, which mustn't be one of the task's runtime (UsageError), until the task has finished.
  T wait();

  /// co_await: the value, the task's exception, or TaskCancelled. Once.
  auto operator co_await() && noexcept { return Awaiter{*this}; }
  auto operator co_await() & noexcept { return Awaiter{*this}; }

  /// The result of a finished task. Once.
  [[gnu::always_inline]] T take() {
    TaskHeader& task = *std::exchange(task_, nullptr);
    struct Abandon {
      TaskHeader& task;
      [[gnu::always_inline]] ~Abandon() { join::abandon(task); }
    } abandon{task};
    return result::take<T>(task);
  }

  TaskHeader* header() const noexcept { return task_; }

 private:
  class Awaiter {
   public:
    explicit Awaiter(JoinHandle& handle) noexcept : handle_{handle} {}
    Awaiter(const Awaiter&) = delete;
    ~Awaiter() {
      if (parked_) join::unsubscribe(*handle_.task_);
    }

    // Inlined by force: in a large unit the compiler grows shy of it, and a spawn with its join costs a tenth more.
    [[gnu::always_inline]] bool await_ready() const noexcept { return handle_.done(); }
    template <TaskPromise Promise>
    [[gnu::always_inline]] bool await_suspend(std::coroutine_handle<Promise> frame) {
      TaskHeader& me = *frame.promise().task();
      TaskHeader& joined = *handle_.task_;
      const bool confined = joined.kind == TaskKind::confined;
      if (confined && joined.executor.load(relaxed) != confined_executor) [[unlikely]]
        refuse_thread();
      me.frame = frame;
      me.operation = this;
      me.poll = &poll;
      parked_ = true;
      if (confined ? join::subscribe_confined(joined, Waker{me}) : join::subscribe_shared(joined, Waker{me})) return true;
      parked_ = false;
      return false;
    }
    [[gnu::always_inline]] T await_resume() {
      parked_ = false;
      return handle_.take();
    }

   private:
    static void poll(TaskHeader& me) noexcept {
      auto& awaiter = *static_cast<Awaiter*>(me.operation);
      if (!awaiter.handle_.done()) return;  // a spurious wake: still subscribed
      awaiter.parked_ = false;
      resume_frame(me);
    }
    [[noreturn, gnu::cold]] static void refuse_thread() {
      throw UsageError{"a confined runtime's task can be awaited on its own thread only; wait() works from others"};
    }

    JoinHandle& handle_;
    bool parked_ = false;
  };

  TaskHeader* task_;
};

/// Starts a coroutine as a task of that executor. Any thread (capability foreign_spawn, which every home has).
template <std::derived_from<Executor> E, class T>
[[gnu::always_inline]] inline JoinHandle<T> spawn_on(E& executor, Task<T> task) {
  auto frame = task.release();
  TaskHeader* header;
  try {
    header = &executor.adopt(frame);
  } catch (...) {
    if (!mutated(Mutant::frame_of_failed_spawn_leaked)) frame.destroy();
    throw;
  }
  frame.promise().set_task(*header);
  executor.launch(*header);
  return JoinHandle<T>{*header};
}

namespace join {

/// A task on the joined task's own runtime that carries its result to a thread that waits.
template <class T>
class Relay {
 public:
  T wait(Executor& executor, JoinHandle<T>& handle) {
    try {
      spawn_on(executor, carry(Delivery{*this, handle})).detach();
    } catch (const std::bad_alloc&) {  // waiting can't fail: whoever waits may own what the task uses
      while (handle.valid() && !handle.done()) Parker::nap();
      if (handle.valid()) return handle.take();
    }
    parker_.park();
    if (error_) std::rethrow_exception(error_);
    if (!value_) throw TaskCancelled{};
    if constexpr (!std::is_void_v<T>) return std::move(*value_);
  }

 private:
  // A parameter of the coroutine's frame, so that the thread is released also if the relay is destroyed by a shutdown before it
  // runs, or runs again. What the task has returned by then isn't lost.
  struct Delivery {
    Relay* relay;
    JoinHandle<T>* handle;  // that of the thread that waits
    Delivery(Relay& r, JoinHandle<T>& h) noexcept : relay{&r}, handle{&h} {}
    Delivery(Delivery&& other) noexcept : relay{std::exchange(other.relay, nullptr)}, handle{other.handle} {}
    ~Delivery() {
      if (!relay) return;
      if (handle->valid() && handle->done() && !mutated(Mutant::relayed_result_lost)) relay->keep(*handle);
      relay->parker_.unpark();
    }
  };
  static Task<void> carry(Delivery delivery) {
    Relay& relay = *delivery.relay;
    try {
      if constexpr (std::is_void_v<T>) {
        co_await *delivery.handle;
        relay.value_.emplace();
      } else {
        relay.value_.emplace(co_await *delivery.handle);
      }
    } catch (...) {
      relay.error_ = std::current_exception();
    }
  }

  /// As carry(), when the task has ended and nobody is left to await it.
  void keep(JoinHandle<T>& handle) noexcept {
    try {
      if constexpr (std::is_void_v<T>) {
        handle.take();
        value_.emplace();
      } else {
        value_.emplace(handle.take());
      }
    } catch (...) {
      error_ = std::current_exception();
    }
  }

  struct Nothing {};
  Parker parker_;
  std::exception_ptr error_;
  std::optional<std::conditional_t<std::is_void_v<T>, Nothing, T>> value_;  // neither: cancelled
};

}  // namespace join

template <class T>
T JoinHandle<T>::wait() {
  if (done()) return take();
  Executor* const executor = task_->executor.load(acquire);
  if (!executor) return take();  // a confined runtime has been shut down since: the task is done
  if (executor->on_own_thread())
    throw UsageError{"JoinHandle::wait() on a thread of the task's own runtime would deadlock; co_await it"};
  return join::Relay<T>{}.wait(*executor, *this);
}

}  // namespace reactorlab
