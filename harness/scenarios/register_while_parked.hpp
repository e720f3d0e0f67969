#pragma once
// register_while_parked: a new descriptor while the reactor waits in the kernel. One operation: a thread outside has an eventfd
// registered and a task wait for it, writes, and gets the answer.

#include <memory>

#include "core/reactorlab.hpp"
#include "harness/scenarios/descriptors.hpp"
#include "harness/scenarios/foreign_session.hpp"
#include "harness/scenarios/park_then.hpp"

namespace reactorlab::scenarios {

struct Delivery {
  Answer waiting, delivered;
  bool right = false;  // published by `delivered`
};

/// Owned by everybody who may still be giving an answer.
using SharedDelivery = std::shared_ptr<Delivery>;

template <class Rt>
Task<> await_delivery(BasicAsyncFd<Rt> source, std::uint32_t number, SharedDelivery table) {
  std::uint64_t value = 0;
  const IoResult n = co_await park_then(source.read(bytes_of(value)), [&, number] { table->waiting.give(number); });
  table->right = n == IoResult{sizeof value} && value == number && !get(source.fd());
  source.close();
  table->delivered.give(number);
}

/// For a confined runtime, which nobody else registers with.
template <class Rt>
Task<> register_and_await(Rt& runtime, int fd, std::uint32_t number, SharedDelivery table) {
  co_await await_delivery(BasicAsyncFd<Rt>::own(runtime, fd), number, std::move(table));
}

/// params: forwarded. 0: the thread outside registers, with a runtime that allows it; 1: it spawns a task that does.
template <class Rt>
InProcessReport register_while_parked(Rt& runtime, const InProcessRequest& request) {
  const bool forwarded = number_param(request, "forwarded") != 0;
  const auto table = std::make_shared<Delivery>();
  return run_foreign_rounds(runtime, request, [&](std::uint32_t number) {
    const int fd = make_eventfd();
    if (forwarded)
      runtime.spawn(register_and_await(runtime, fd, number, table)).detach();
    else
      runtime.spawn(await_delivery(BasicAsyncFd<Rt>::own(runtime, fd), number, table)).detach();
    (void)table->waiting.await_other_than(number - 1);
    put(fd, number);
    (void)table->delivered.await_other_than(number - 1);
    return table->right;
  });
}

}  // namespace reactorlab::scenarios
