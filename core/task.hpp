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

/// The value, or the exception, or TaskCancelled. Once.
template <class T>
T take(TaskHeader& task) {
  struct Drop {
    TaskHeader& task;
    ~Drop() { drop(task); }
  } drop_at_exit{task};
  if (task.outcome == TaskOutcome::exception) [[unlikely]] {
    std::rethrow_exception(*std::launder(reinterpret_cast<std::exception_ptr*>(task.result)));
  }
  if (task.outcome != TaskOutcome::value) [[unlikely]] throw TaskCancelled{};
  if constexpr (!std::is_void_v<T>) return std::move(*cell_of<T>(task));
}

}  // namespace result

/// Awaits an awaiter where it stands. g++ 12 copies, or moves, an awaiter that await_transform returns by reference.
template <class Awaiter>
struct InPlace {
  Awaiter* awaiter;
  bool await_ready() const noexcept(noexcept(awaiter->await_ready())) { return awaiter->await_ready(); }
  template <class Promise>
  auto await_suspend(std::coroutine_handle<Promise> frame) const noexcept(noexcept(awaiter->await_suspend(frame))) {
    return awaiter->await_suspend(frame);
  }
  decltype(auto) await_resume() const { return awaiter->await_resume(); }
};

class PromiseBase {
 public:
  static void* operator new(std::size_t size) { return FramePool::allocate(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { FramePool::deallocate(memory, size); }

  std::suspend_always initial_suspend() noexcept { return {}; }

  /// A request (stream.read(...)) becomes an operation of this task here, in the awaiting frame, and is attempted for the first
  /// time. Other awaiters are used where they stand; they may ask for the task by bind().
  template <class Awaitable>
  decltype(auto) await_transform(Awaitable&& awaitable) noexcept {
    if constexpr (requires { awaitable.start(*task_); }) {
      return awaitable.start(*task_);
    } else {
      if constexpr (requires { awaitable.bind(*task_); }) awaitable.bind(*task_);
      if constexpr (requires { awaitable.await_ready(); }) {
        return InPlace<std::remove_reference_t<Awaitable>>{&awaitable};
      } else {
        return static_cast<std::remove_reference_t<Awaitable>&>(awaitable);  // has an operator co_await
      }
    }
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

  TaskHeader* task_ = nullptr;
  std::coroutine_handle<> parent_;  ///< nullptr: this is the root of its task
};

template <class Promise>
concept TaskPromise = std::is_base_of_v<PromiseBase, Promise>;

template <class T>
class ResultPromise : public PromiseBase {
 public:
  ~ResultPromise() {
    if (state_ == State::value) std::destroy_at(&value_);
    if (state_ == State::exception) std::destroy_at(&error_);
  }
  ResultPromise() noexcept {}

  template <class U>
    requires std::is_constructible_v<T, U>
  void return_value(U&& value) noexcept(std::is_nothrow_constructible_v<T, U>) {
    new (&value_) T(std::forward<U>(value));
    state_ = State::value;
  }
  void unhandled_exception() noexcept {
    new (&error_) std::exception_ptr(std::current_exception());
    state_ = State::exception;
  }

  T take() {
    if (state_ == State::exception) [[unlikely]] std::rethrow_exception(std::move(error_));
    return std::move(value_);
  }

  /// Moves the result out of the frame, which dies before the joiner resumes (TSK-11).
  void publish() noexcept {
    if (state_ == State::exception) [[unlikely]] return result::store_exception(*task_, std::move(error_));
    try {
      result::store_value<T>(*task_, std::move(value_));
    } catch (...) {
      result::store_exception(*task_, std::current_exception());
    }
  }

 private:
  enum class State : std::uint8_t { empty, value, exception };
  union {
    T value_;
    std::exception_ptr error_;
  };
  State state_ = State::empty;
};

template <>
class ResultPromise<void> : public PromiseBase {
 public:
  void return_void() noexcept {}
  void unhandled_exception() noexcept { error_ = std::current_exception(); }
  void take() {
    if (error_) [[unlikely]] std::rethrow_exception(std::move(error_));
  }
  void publish() noexcept {
    if (error_) [[unlikely]] return result::store_exception(*task_, std::move(error_));
    result::store_void(*task_);
  }

 private:
  std::exception_ptr error_;
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
