#pragma once
// Several tasks as one. The parts run as child tasks on the executor of the task that awaits the whole, and none of
// them outlives it unseen: a combinator returns or throws when the last child is gone, and one that is destroyed
// cancels its children.

#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "core/children.hpp"
#include "core/error.hpp"
#include "core/time.hpp"

namespace reactorlab {

/// What stands for a task's result where void can't.
template <class T>
using ValueOf = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

namespace combinators {

template <class T>
ValueOf<T> take(JoinHandle<T>& child) {
  if constexpr (std::is_void_v<T>) {
    child.take();
    return {};
  } else {
    return child.take();
  }
}

template <class... Ts>
Task<std::tuple<ValueOf<Ts>...>> when_all(std::tuple<Task<Ts>...> tasks) {
  TaskHeader& me = co_await current_task();
  std::tuple<std::optional<JoinHandle<Ts>>...> handles;
  Children children{me, sizeof...(Ts)};
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    (std::get<i>(handles).emplace(children.start(std::move(std::get<i>(tasks)))), ...);
  }(std::index_sequence_for<Ts...>{});
  co_await children.all_ended();
  co_return std::apply([](auto&... ended) { return std::tuple<ValueOf<Ts>...>{take(*ended)...}; }, handles);
}

template <class T>
using InTime = std::conditional_t<std::is_void_v<T>, bool, std::optional<T>>;

template <class T>
void start_all(Children& children, std::vector<Task<T>>& tasks, std::vector<JoinHandle<T>>& handles) {
  handles.reserve(tasks.size());
  for (Task<T>& task : tasks) handles.push_back(children.start(std::move(task)));
}

}  // namespace combinators

/// co_await: a tuple of all results (void: std::monostate). The first task that fails ends the others, and its
/// exception is thrown.
template <class... Ts>
Task<std::tuple<ValueOf<Ts>...>> when_all(Task<Ts>... tasks) {
  return combinators::when_all<Ts...>(std::tuple<Task<Ts>...>{std::move(tasks)...});
}

/// The same for any number of tasks of one type; the results in their order.
template <class T>
Task<std::vector<ValueOf<T>>> when_all(std::vector<Task<T>> tasks) {
  TaskHeader& me = co_await current_task();
  std::vector<JoinHandle<T>> handles;
  Children children{me, tasks.size()};
  combinators::start_all(children, tasks, handles);
  co_await children.all_ended();
  std::vector<ValueOf<T>> values;
  values.reserve(handles.size());
  for (JoinHandle<T>& ended : handles) values.push_back(combinators::take(ended));
  co_return values;
}

template <class T>
struct FirstOf {
  std::size_t index;
  ValueOf<T> value;
};

/// co_await: the result of the first task that ends, and which it was; if it ended by an exception, that is thrown. The
/// others are cancelled, and results that they had all the same are dropped. UsageError if there are no tasks.
template <class T>
Task<FirstOf<T>> when_any(std::vector<Task<T>> tasks) {
  if (tasks.empty()) throw UsageError{"when_any of no tasks would never end"};
  TaskHeader& me = co_await current_task();
  std::vector<JoinHandle<T>> handles;
  Children children{me, tasks.size()};
  combinators::start_all(children, tasks, handles);
  const IoResult first = co_await children.next_end();
  children.cancel_all();
  while (!children.empty()) (void)co_await children.next_end();
  co_return FirstOf<T>{first.count(), combinators::take(handles[first.count()])};
}

/// co_await: the task's result, or nothing if the limit came first: the task is cancelled then and its end waited for.
/// One that finished all the same in that race has won. void: true or false. Its exception is thrown.
template <class Rt, class T>
auto timeout(Rt& runtime, Duration limit, Task<T> task) -> Task<combinators::InTime<T>> {
  TaskHeader& me = co_await current_task();
  std::optional<JoinHandle<T>> child;
  Children children{me, 1};
  auto end_in_time = timeout(runtime, limit, children.next_end());  // may throw: the child isn't there yet
  child.emplace(children.start(std::move(task)));
  const IoResult ended = co_await end_in_time;
  if (!ended) {
    children.cancel_all();
    (void)co_await children.next_end();
    const bool cancelled = child->header()->outcome == TaskOutcome::cancelled;
    if (cancelled && ended.error() == ETIME) co_return combinators::InTime<T>{};
  }
  if constexpr (std::is_void_v<T>) {
    child->take();
    co_return true;
  } else {
    co_return child->take();
  }
}

}  // namespace reactorlab
