#pragma once
// socketpair_stream: one task writes messages into a Unix stream as fast as they fit, another reads them. One operation is a
// message.

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/reactorlab.hpp"
#include "harness/scenarios/window.hpp"

namespace reactorlab::scenarios {

/// Every message has the same bytes but for its number at their head: words that count on, so that shifted ones differ.
class StreamMessage {
 public:
  explicit StreamMessage(std::uint64_t size) : bytes_(std::max<std::uint64_t>(size, sizeof(std::uint64_t))) {
    for (std::size_t i = 0; i < bytes_.size(); ++i) bytes_[i] = static_cast<std::byte>((i / 8) * 31 + i % 8);
  }
  std::span<const std::byte> numbered(std::uint64_t number) noexcept {
    std::memcpy(bytes_.data(), &number, sizeof number);
    return bytes_;
  }
  std::size_t size() const noexcept { return bytes_.size(); }

 private:
  std::vector<std::byte> bytes_;
};

template <class Rt>
Task<> write_messages(BasicUnixStream<Rt>& stream, std::uint64_t size, std::uint64_t first, std::uint64_t count) {
  StreamMessage message{size};
  for (std::uint64_t number = first + 1; number <= first + count; ++number)
    if (!co_await stream.write_all(message.numbered(number))) co_return;  // the reader counts
}

/// Compares what comes, in whatever pieces, with the messages that are due.
template <class Rt>
Task<> read_messages(BasicUnixStream<Rt>& stream, std::uint64_t size, std::uint64_t first, std::uint64_t count,
                     InProcessReport& report) {
  StreamMessage message{size};
  for (std::uint64_t number = first + 1; number <= first + count; ++number) {
    const std::span<const std::byte> expected = message.numbered(number);
    bool right = true;
    for (std::size_t got = 0; got < expected.size();) {
      std::byte piece[32 * 1024];
      const std::size_t wanted = std::min(sizeof piece, expected.size() - got);
      const IoResult n = co_await stream.read(std::span{piece, wanted});
      if (!n || n.count() == 0) {
        ++report.errors;
        co_return;
      }
      right &= std::equal(piece, piece + n.count(), expected.begin() + static_cast<std::ptrdiff_t>(got));
      got += n.count();
    }
    verify(report, right);
  }
}

template <class Rt>
Task<> stream_messages(Rt& runtime, BasicUnixStream<Rt>& from, BasicUnixStream<Rt>& to, std::uint64_t size, std::uint64_t first,
                       std::uint64_t count, InProcessReport& report) {
  JoinHandle<void> writing = runtime.spawn(write_messages(from, size, first, count));
  co_await read_messages(to, size, first, count, report);
  co_await writing;
}

template <class Rt>
Task<> socketpair_stream_inside(Rt& runtime, const InProcessRequest& request, InProcessReport& report) {
  const std::uint64_t size = count_param(request, "message");
  auto pair = BasicUnixStream<Rt>::pair(runtime);
  if (!pair) throw_errno(pair.error(), "socketpair", "raise the limit of open files: ulimit -n");
  InProcessReport warm_up;
  co_await stream_messages(runtime, pair->first, pair->second, size, 0, warm_up_operations, warm_up);
  open_window(request);
  co_await stream_messages(runtime, pair->first, pair->second, size, warm_up_operations, request.operations, report);
  close_window(request);
  report.errors += warm_up.errors;
}

/// params: message, the bytes of each; 8 at least.
template <class Rt>
InProcessReport socketpair_stream(Rt& runtime, const InProcessRequest& request) {
  InProcessReport report;
  runtime.block_on(socketpair_stream_inside(runtime, request, report));
  return report;
}

}  // namespace reactorlab::scenarios
