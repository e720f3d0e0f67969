#include "impls/asio/in_process.hpp"

#include "harness/peer_kit.hpp"
#include "impls/asio/types.hpp"

#include <exception>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace reactorlab::asio_peer {
namespace {

template <class T>
using Awaitable = asio::awaitable<T, Executor>;
constexpr asio::use_awaitable_t<Executor> use_awaitable;

Awaitable<std::uint64_t> returning(std::uint64_t value) { co_return value; }

Awaitable<void> join_children(Executor executor, std::uint64_t count, InProcessReport& report) {
  for (std::uint64_t i = 0; i < count; ++i)
    scenarios::verify(report, co_await asio::co_spawn(executor, returning(i), use_awaitable) == i);
}

Awaitable<void> spawn_join_inside(Executor executor, const InProcessRequest& request, InProcessReport& report) {
  InProcessReport warm_up;
  co_await join_children(executor, scenarios::warm_up_operations, warm_up);
  scenarios::open_window(request);
  co_await join_children(executor, request.operations, report);
  scenarios::close_window(request);
  report.errors += warm_up.errors;
}

/// What the handlers of one round share: each knows whose turn it is.
struct RoundRobin {
  const std::uint64_t tasks;
  std::uint64_t to_post;
  std::uint64_t turn = 0;
  InProcessReport report = {};
};

/// A task that does nothing but give way.
struct Yielder {
  Executor executor;
  RoundRobin* round;
  std::uint64_t index;

  void operator()() {
    scenarios::verify(round->report, round->turn == index);
    round->turn = index + 1 == round->tasks ? 0 : index + 1;
    post_again();
  }
  void post_again() {
    if (round->to_post == 0) return;
    --round->to_post;
    asio::post(executor, *this);
  }
};

InProcessReport yield_all(asio::io_context& context, std::uint64_t tasks, std::uint64_t operations) {
  RoundRobin round{.tasks = tasks, .to_post = operations};
  for (std::uint64_t i = 0; i < tasks; ++i) Yielder{context.get_executor(), &round, i}.post_again();
  context.restart();
  context.run();
  return round.report;
}

}  // namespace

InProcessReport spawn_join(const InProcessRequest& request) {
  asio::io_context context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE);
  InProcessReport report;
  asio::co_spawn(context.get_executor(), spawn_join_inside(context.get_executor(), request, report),
                 [](const std::exception_ptr& error) {
                   if (error) std::rethrow_exception(error);
                 });
  context.run();
  return report;
}

InProcessReport yield(const InProcessRequest& request) {
  const std::uint64_t tasks = scenarios::count_param(request, "tasks");
  asio::io_context context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE);
  const InProcessReport warm_up = yield_all(context, tasks, scenarios::warm_up_operations);
  scenarios::open_window(request);
  InProcessReport report = yield_all(context, tasks, request.operations);
  scenarios::close_window(request);
  report.errors += warm_up.errors;
  return report;
}

}  // namespace reactorlab::asio_peer
