#include "core/async_fd.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "core/combinators.hpp"
#include "core/fd.hpp"
#include "core/runtime_test.hpp"
#include "core/time.hpp"

namespace reactorlab {
namespace {

using namespace std::chrono_literals;
using AsyncFdTest = RuntimeTest;
REACTORLAB_ON_EVERY_RUNTIME(AsyncFdTest);

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    read = UniqueFd{ends[0]};
    write = UniqueFd{ends[1]};
  }
  UniqueFd read, write;
};

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST_P(AsyncFdTest, APipeCarriesMoreThanItHolds) {
  const std::string text(1 << 20, 'p');
  Pipe pipe;
  auto in = AsyncFd::own(runtime(), pipe.read.release());
  auto out = AsyncFd::own(runtime(), pipe.write.release(), Interest::write);
  const auto write = [&]() -> Task<> {
    for (auto rest = std::as_bytes(std::span{text}); !rest.empty();) {
      const IoResult n = co_await out.write(rest);
      if (!n) break;
      rest = rest.subspan(n.count());
    }
    out.close();
  };
  const auto read = [&]() -> Task<std::string> {
    std::string all, buffer(10'000, ' ');
    for (;;) {
      const IoResult n = co_await in.read(std::as_writable_bytes(std::span{buffer}));
      if (n.value() <= 0) co_return all;
      all.append(buffer, 0, n.count());
    }
  };
  const std::string received = run([&]() -> Task<std::string> {
    auto both = co_await when_all(write(), read());
    co_return std::move(std::get<1>(both));
  });
  EXPECT_TRUE(received == text);
}

TEST_P(AsyncFdTest, WritingToAPipeWithoutAReaderIsAResultAndNoSignal) {
  Pipe pipe;
  pipe.read.reset();
  auto out = AsyncFd::own(runtime(), pipe.write.release(), Interest::write);
  run([&]() -> Task<> {
    const IoResult n = co_await out.write(std::as_bytes(std::span{"x", 1}));
    EXPECT_EQ(n.error(), EPIPE);
  });
}

TEST_P(AsyncFdTest, ReadinessLastsAsLongAsThereIsSomething) {
  const UniqueFd counter{::eventfd(0, EFD_CLOEXEC)};
  auto watched = AsyncFd::borrow(runtime(), counter.get());
  run([&]() -> Task<> {
    const IoResult nothing = co_await timeout(runtime(), 1ms, watched.readable());
    EXPECT_EQ(nothing.error(), ETIME);
    EXPECT_EQ(::eventfd_write(counter.get(), 3), 0);
    for (int i = 0; i < 3; ++i) {  // asked, not remembered: it isn't used up
      const IoResult readable = co_await watched.readable();
      EXPECT_TRUE(readable.value() & POLLIN);
    }
    std::uint64_t value = 0;
    const IoResult n = co_await watched.read(std::as_writable_bytes(std::span{&value, 1}));
    EXPECT_EQ(n.value(), 8);
    EXPECT_EQ(value, 3u);
    const IoResult again = co_await timeout(runtime(), 1ms, watched.readable());
    EXPECT_EQ(again.error(), ETIME);
    const IoResult writable = co_await watched.writable();  // widens
    EXPECT_TRUE(writable.value() & POLLOUT);
  });
}

TEST_P(AsyncFdTest, AForeignWriteWakesTheReader) {
  const UniqueFd counter{::eventfd(0, EFD_CLOEXEC)};
  auto watched = AsyncFd::borrow(runtime(), counter.get());
  const auto wait = [&]() -> Task<long> {
    const IoResult n = co_await watched.readable();
    co_return n.value();
  };
  const auto write = [&]() -> Task<> {
    co_await yield();
    EXPECT_EQ(::eventfd_write(counter.get(), 1), 0);
  };
  const long mask = run([&]() -> Task<long> {
    auto both = co_await when_all(wait(), write());
    co_return std::get<0>(both);
  });
  EXPECT_TRUE(mask & POLLIN);
}

TEST_P(AsyncFdTest, BorrowedStaysOpenAndOwnedIsClosed) {
  Pipe pipe;
  const int read = pipe.read.get(), write = pipe.write.release();
  {
    auto borrowed = AsyncFd::borrow(runtime(), read);
    auto owned = AsyncFd::own(runtime(), write, Interest::write);
    EXPECT_EQ(runtime().stats().registrations, 2u);
  }
  EXPECT_TRUE(is_open(read));
  EXPECT_FALSE(is_open(write));
  EXPECT_EQ(runtime().stats().registrations, 0u);
  auto again = AsyncFd::borrow(runtime(), read);  // nothing of the first life is left
}

TEST_P(AsyncFdTest, MakesItNonBlockingAndKeepsTheOtherFlags) {
  Pipe pipe;
  ASSERT_EQ(::fcntl(pipe.write.get(), F_SETFL, O_APPEND), 0);
  const auto borrowed = AsyncFd::borrow(runtime(), pipe.write.get(), Interest::write);
  const int flags = ::fcntl(pipe.write.get(), F_GETFL);
  EXPECT_TRUE(flags & O_APPEND);
  EXPECT_TRUE(flags & O_NONBLOCK);
}

TEST_P(AsyncFdTest, WhatCannotBeRegisteredIsRefusedWithItsCauseAndStaysTheCallers) {
  const UniqueFd file{::memfd_create("a regular file", MFD_CLOEXEC)};
  ASSERT_GE(file.get(), 0);
  Pipe pipe;
  auto first = AsyncFd::borrow(runtime(), pipe.read.get());
  const auto error_of = [&](int fd) {
    try {
      (void)AsyncFd::own(runtime(), fd);
    } catch (const std::system_error& error) {
      EXPECT_NE(std::string{error.what()}.find("remedy"), std::string::npos);
      return error.code().value();
    }
    return 0;
  };
  EXPECT_EQ(error_of(file.get()), EPERM);
  EXPECT_TRUE(is_open(file.get()));
  EXPECT_EQ(error_of(pipe.read.get()), EEXIST);
  EXPECT_TRUE(is_open(pipe.read.get()));
  EXPECT_EQ(error_of(-1), EBADF);
  EXPECT_EQ(runtime().stats().registrations, 1u);
}

TEST_P(AsyncFdTest, ClosingEndsWhatIsParkedAndLaterUse) {
  const UniqueFd counter{::eventfd(0, EFD_CLOEXEC)};
  auto watched = AsyncFd::borrow(runtime(), counter.get());
  const auto wait = [&]() -> Task<IoResult> {
    const IoResult n = co_await watched.readable();
    co_return n;
  };
  run([&]() -> Task<> {
    auto waiter = runtime().spawn(wait());
    co_await until([&] { return runtime().stats().waiters != 0; });
    watched.close();
    const IoResult ended = co_await waiter;
    EXPECT_EQ(ended.error(), EBADF);
    const IoResult later = co_await watched.readable();
    EXPECT_EQ(later.error(), EBADF);
  });
}

}  // namespace
}  // namespace reactorlab
