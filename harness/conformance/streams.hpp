#pragma once
// Bytes in plenty, and all that a stream has to give.

#include <string>

#include "harness/conformance/real_objects.hpp"
#include "harness/conformance/waiters.hpp"

namespace reactorlab::conformance {

/// Two connected ends, over each kind of socket that makes streams.
inline Pair (*const kinds_of_stream_pairs[])() = {[] { return tcp_pair(); }, [] { return socket_pair(); }};

/// A write of so much waits for its reader, whatever the kernel has room for.
inline constexpr std::size_t more_than_any_buffer = 8 << 20;

/// Bytes in which a part that is lost, repeated or out of place shows.
inline std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>((i * 2654435761u) >> 13);
  return text;
}

/// Answers with what comes, until the end of the stream.
inline Task<> echo(TcpStream& stream) {
  while (const Lease lease = co_await stream.read_lease()) {
    if (!co_await stream.write_all(lease)) co_return;
  }
}

/// What comes until the end of the stream, or until an error, in reads of that size.
inline Task<std::string> read_to_end(TcpStream& stream, std::size_t piece) {
  std::string all;
  std::vector<std::byte> buffer(piece);
  for (;;) {
    const IoResult n = co_await stream.read(buffer);
    EXPECT_GE(n.value(), 0) << n.error_code().message();
    if (n.value() <= 0) co_return all;
    all += text_of({buffer.data(), n.count()});
  }
}

}  // namespace reactorlab::conformance
