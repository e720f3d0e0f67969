#pragma once
// Task<T>: a lazy, move-only coroutine. Awaiting it runs it at once by symmetric transfer; spawning it gives it a header.
// The header is handed down through promises, so a leaf operation knows its task without any thread-local.

#include <coroutine>
#include <cstring>
#include <exception>
#include <new>
#include <type_traits>
#include <utility>

#include "core/error.hpp"
#include "core/frame_pool.hpp"
#include "core/mutation.hpp"
#include "core/task_header.hpp"

namespace reactorlab {

template <class T>
class Task;

/// What is left of a finished task: in the header's eight bytes if it is small and trivial, else in a block of its own.
namespace result {

template <class T>
inline constexpr bool fits_in_header = sizeof(T) <= 8 && alignof(T) <= 8 && std::is_trivially_copyable_v<T>;

template <class T>
T* cell_of(TaskHeader& task) noexcept {
  if constexpr (fits_in_header<T>) {
    return std::launder(reinterpret_cast<T*>(task.result));
  } else {
    T* cell;
    std::memcpy(&cell, task.result, sizeof cell);
    return cell;
  }
}

inline void drop_exception(TaskHeader& task) noexcept {
  std::destroy_at(std::launder(reinterpret_cast<std::exception_ptr*>(task.result)));
}

template <class T>
void drop_value(TaskHeader& task) noexcept {
  T* const cell = cell_of<T>(task);
  std::destroy_at(cell);
  FramePool::deallocate(cell, sizeof(T));
}

inline void store_exception(TaskHeader& task, std::exception_ptr error) noexcept {
  static_assert(sizeof(std::exception_ptr) <= sizeof task.result);
  new (task.result) std::exception_ptr(std::move(error));
  task.outcome = TaskOutcome::exception;
  task.poll = &drop_exception;
}

/// Of a task that isn't finished after all: the exception was a callee's, and goes to its caller.
inline std::exception_ptr take_exception(TaskHeader& task) noexcept {
  auto* const cell = std::launder(reinterpret_cast<std::exception_ptr*>(task.result));
  std::exception_ptr error = std::move(*cell);
  std::destroy_at(cell);
  task.outcome = TaskOutcome::none;
  return error;
}

inline void store_void(TaskHeader& task) noexcept {
  task.outcome = TaskOutcome::value;
  task.poll = nullptr;
}

template <class T>
void store_value(TaskHeader& task, T&& value) {
  static_assert(alignof(T) <= FramePool::granule, "results lie in pooled blocks of that alignment; return a pointer to it");
  if constexpr (fits_in_header<T>) {
    new (task.result) T(std::move(value));
    task.poll = nullptr;
  } else {
    void* const memory = FramePool::allocate(sizeof(T));
    T* cell;
    try {
      cell = new (memory) T(std::move(value));
    } catch (...) {
      FramePool::deallocate(memory, sizeof(T));
      throw;
    }
    std::memcpy(task.result, &cell, sizeof cell);
    task.poll = &drop_value<T>;
  }
  task.outcome = TaskOutcome::value;
}

/// Destroys whatever a finished task left and nobody took.
inline void drop(TaskHeader& task) noexcept {
  if (task.poll) task.poll(task);
  task.poll = nullptr;
  task.outcome = TaskOutcome::none;
}

/// The value, or the exception, or TaskCancelled. Once; drop() afterwards.
template <class T>
[[gnu::always_inline]] inline T take(TaskHeader& task) {
  if (task.outcome == TaskOutcome::exception) [[unlikely]] {
    std::rethrow_exception(*std::launder(reinterpret_cast<std::exception_ptr*>(task.result)));
  }
  if (task.outcome != TaskOutcome::value) [[unlikely]]
    throw TaskCancelled{};
  if constexpr (!std::is_void_v<T>) return std::move(*cell_of<T>(task));
}

}  // namespace result

/// Awaiters ask it for their task. There is no await_transform on purpose: whatever that returned would be a further object in
/// every awaiting frame.
class PromiseBase {
 public:
  static void* operator new(std::size_t size) { return FramePool::allocate(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { FramePool::deallocate(memory, size); }

  std::suspend_always initial_suspend() noexcept { return {}; }

  /// The header carries the exception, to whoever awaits this frame or joins the task: nothing else runs in between.
  void unhandled_exception() noexcept {
    if (mutated(Mutant::exception_escapes)) std::terminate();  // what comes of it when it leaves a worker's loop
    result::store_exception(*task_, std::current_exception());
  }

  TaskHeader* task() const noexcept { return task_; }
  void set_task(TaskHeader& task) noexcept { task_ = &task; }
  std::coroutine_handle<> parent() const noexcept { return parent_; }

  /// The outermost frame of the task whose innermost frame this is: what a cancel destroys.
  static std::coroutine_handle<> root_of(std::coroutine_handle<> frame) noexcept {
    for (;;) {
      // Every promise of ours starts with its PromiseBase, whose alignment all of them have.
      auto& promise = std::coroutine_handle<PromiseBase>::from_address(frame.address()).promise();
      if (!promise.parent_) return frame;
      frame = promise.parent_;
    }
  }

 protected:
  template <class T>
  friend class Task;

  void rethrow_if_failed() {
    if (task_->outcome == TaskOutcome::exception) [[unlikely]]
      std::rethrow_exception(result::take_exception(*task_));
  }

  TaskHeader* task_ = nullptr;
  std::coroutine_handle<> parent_;  ///< nullptr: this is the root of its task
};

template <class Promise>
concept TaskPromise = std::is_base_of_v<PromiseBase, Promise>;

template <class T>
class ResultPromise : public PromiseBase {
 public:
  ~ResultPromise() {
    if (has_value_) std::destroy_at(&value_);
  }
  ResultPromise() noexcept {}

  template <class U>
    requires std::is_constructible_v<T, U>
  void return_value(U&& value) noexcept(std::is_nothrow_constructible_v<T, U>) {
    new (&value_) T(std::forward<U>(value));
    has_value_ = true;
  }

  T take() {
    rethrow_if_failed();
    return std::move(value_);
  }

  /// Moves the result out of the frame, which dies before the joiner resumes (TSK-11).
  void publish() noexcept {
    if (!has_value_) [[unlikely]]
      return;  // an exception, which is where it belongs
    try {
      result::store_value<T>(*task_, std::move(value_));
    } catch (...) {
      result::store_exception(*task_, std::current_exception());
    }
  }

 private:
  union {
    T value_;
  };
  bool has_value_ = false;
};

template <>
class ResultPromise<void> : public PromiseBase {
 public:
  void return_void() noexcept {}
  void take() { rethrow_if_failed(); }
  void publish() noexcept {
    if (task_->outcome != TaskOutcome::exception) [[likely]]
      result::store_void(*task_);
  }
};

template <class T = void>
class [[nodiscard]] Task {
 public:
  static_assert(!std::is_reference_v<T>, "return a pointer or a std::reference_wrapper");

  struct promise_type : ResultPromise<T> {
    Task get_return_object() noexcept { return Task{std::coroutine_handle<promise_type>::from_promise(*this)}; }

    struct FinalAwaiter {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) noexcept {
        promise_type& promise = self.promise();
        if (promise.parent_) return promise.parent_;
        promise.publish();
        promise.task_->frame = self;
        promise.task_->action = TaskAction::finish;
        return std::noop_coroutine();
      }
      void await_resume() noexcept {}
    };
    FinalAwaiter final_suspend() noexcept { return {}; }
  };

  Task(Task&& other) noexcept : frame_{std::exchange(other.frame_, nullptr)} {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (frame_) frame_.destroy();
      frame_ = std::exchange(other.frame_, nullptr);
    }
    return *this;
  }
  ~Task() {
    if (frame_) frame_.destroy();
  }

  /// Awaiting runs the task in the awaiter's place; its result or exception comes back here.
  bool await_ready() const noexcept { return false; }
  template <TaskPromise Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) noexcept {
    frame_.promise().task_ = parent.promise().task();
    frame_.promise().parent_ = parent;
    if (mutated(Mutant::resume_instead_of_transfer)) return frame_.resume(), std::noop_coroutine();
    return frame_;
  }
  T await_resume() { return frame_.promise().take(); }

  /// Hands the frame to an executor, which makes it a task of its own.
  std::coroutine_handle<promise_type> release() noexcept { return std::exchange(frame_, nullptr); }
  explicit operator bool() const noexcept { return static_cast<bool>(frame_); }

 private:
  explicit Task(std::coroutine_handle<promise_type> frame) noexcept : frame_{frame} {}
  std::coroutine_handle<promise_type> frame_;
};

/// co_await yield(): goes behind the other ready tasks and lets the reactor be polled.
class Yield {
 public:
  bool await_ready() const noexcept { return false; }
  template <TaskPromise Promise>
  void await_suspend(std::coroutine_handle<Promise> frame) const noexcept {
    TaskHeader& task = *frame.promise().task();
    task.frame = frame;
    task.poll = &resume_frame;
    task.action = TaskAction::yield;
  }
  void await_resume() const noexcept {}
};
inline Yield yield() noexcept { return {}; }

}  // namespace reactorlab
