#pragma once
// What the unit tests of sockets share.

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "core/lease.hpp"
#include "core/runtime_test.hpp"
#include "core/unix_address.hpp"

namespace reactorlab {

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span{text}); }
inline std::span<std::byte> bytes_of(std::string& text) { return std::as_writable_bytes(std::span{text}); }

/// What comes until the end of the stream.
template <class Stream>
Task<std::string> read_to_end(Stream& stream) {
  std::string all;
  for (;;) {
    Lease lease = co_await stream.read_lease();
    EXPECT_GE(lease.result().value(), 0);
    if (!lease) co_return all;
    all.append(reinterpret_cast<const char*>(lease.data()), lease.size());
  }
}

template <class Stream>
Task<> echo(Stream& stream) {
  for (;;) {
    Lease lease = co_await stream.read_lease();
    if (!lease) break;
    const IoResult written = co_await stream.write_all(lease.bytes());
    EXPECT_EQ(written.value(), static_cast<long>(lease.size()));
  }
  EXPECT_TRUE(stream.shutdown_write().ok());
}

/// Until that many tasks are parked in registrations.
inline Task<> until_parked(IRuntime& runtime, std::uint64_t tasks = 1) {
  return until([&runtime, tasks] { return runtime.stats().waiters == tasks; });
}

/// A folder of its own, gone with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = testing::TempDir() + "reactorlab-XXXXXX";
    if (!::mkdtemp(pattern.data())) throw std::system_error{errno, std::system_category(), pattern};
    path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  UnixAddress address(const std::string& name) const { return UnixAddress::path(file(name)); }

 private:
  std::filesystem::path path_;
};

/// The error that `make` throws, or 0; its message must name a remedy.
template <class Make>
int thrown_by(Make make) {
  try {
    (void)make();
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string{error.what()}.find("remedy"), std::string::npos) << error.what();
    return error.code().value();
  }
  return 0;
}

}  // namespace reactorlab
