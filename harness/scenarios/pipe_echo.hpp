#pragma once
// pipe_echo: a message goes through one pipe to another task and comes back through a second one.

#include <array>
#include <cstring>

#include "core/reactorlab.hpp"
#include "harness/scenarios/descriptors.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

using Message = std::array<std::uint64_t, 8>;

/// No two messages have a word in common.
inline Message message_of(std::uint64_t number) noexcept {
  Message message;
  for (std::uint64_t i = 0; i < message.size(); ++i) message[i] = number * message.size() + i;
  return message;
}

/// A pipe, both of whose ends tasks wait for.
template <class Rt>
struct AsyncPipe {
  explicit AsyncPipe(Rt& runtime) : AsyncPipe{runtime, make_pipe()} {}
  BasicAsyncFd<Rt> out, in;

 private:
  AsyncPipe(Rt& runtime, Ends ends)
      : out{BasicAsyncFd<Rt>::own(runtime, ends.first.get())},
        in{BasicAsyncFd<Rt>::own(runtime, ends.second.get(), Interest::write)} {
    (void)ends.first.release();
    (void)ends.second.release();
  }
};

/// So many messages. Whatever comes goes back.
template <class Rt>
Task<> echo_messages(BasicAsyncFd<Rt>& from, BasicAsyncFd<Rt>& to, std::uint64_t count) {
  Message message;
  const auto bytes = std::as_writable_bytes(std::span{message});
  for (std::uint64_t i = 0; i < count; ++i) {
    const IoResult n = co_await from.read(bytes);
    if (!n || !co_await to.write(bytes.first(n.count()))) co_return;
  }
}

/// Each after the echo of the one before.
template <class Rt>
Task<> exchange_messages(BasicAsyncFd<Rt>& to, BasicAsyncFd<Rt>& from, std::uint64_t first, std::uint64_t count,
                         InProcessReport& report) {
  for (std::uint64_t number = first + 1; number <= first + count; ++number) {
    const Message sent = message_of(number);
    Message echoed{};
    const IoResult written = co_await to.write(std::as_bytes(std::span{sent}));
    const IoResult read = co_await from.read(std::as_writable_bytes(std::span{echoed}));
    verify(report, written == IoResult{sizeof sent} && read == IoResult{sizeof echoed} && echoed == sent);
    if (!written || !read) co_return;
  }
}

template <class Rt>
Task<> pipe_echo_inside(Rt& runtime, const InProcessRequest& request, InProcessReport& report) {
  AsyncPipe<Rt> there{runtime}, back{runtime};
  JoinHandle<void> echoing = runtime.spawn(echo_messages(there.out, back.in, warm_up_operations + request.operations));
  InProcessReport warm_up;
  co_await exchange_messages(there.in, back.out, 0, warm_up_operations, warm_up);
  open_window(request);
  co_await exchange_messages(there.in, back.out, warm_up_operations, request.operations, report);
  close_window(request);
  report.errors += warm_up.errors;
  co_await echoing;
}

template <class Rt>
InProcessReport pipe_echo(Rt& runtime, const InProcessRequest& request) {
  InProcessReport report;
  runtime.block_on(pipe_echo_inside(runtime, request, report));
  return report;
}

}  // namespace reactorlab::scenarios
