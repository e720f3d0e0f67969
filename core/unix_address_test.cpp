#include "core/unix_address.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "core/socket_test.hpp"

namespace reactorlab {
namespace {

using namespace std::string_literals;

TEST(UnixAddressTest, NamesAreWhatWasGiven) {
  const UnixAddress path = UnixAddress::path("/run/x");
  EXPECT_TRUE(path.is_path() && !path.is_abstract() && !path.is_unnamed());
  EXPECT_EQ(path.name(), "/run/x");
  EXPECT_EQ(path.to_string(), "/run/x");

  const std::string with_nul = "a\0b"s;
  const UnixAddress abstract = UnixAddress::abstract(with_nul);
  EXPECT_TRUE(abstract.is_abstract() && !abstract.is_path() && !abstract.is_unnamed());
  EXPECT_EQ(abstract.name(), with_nul);
  EXPECT_EQ(abstract.to_string(), "@a\\x00b");

  EXPECT_TRUE(UnixAddress{}.is_unnamed());
  EXPECT_EQ(UnixAddress{}.name(), "");
  EXPECT_EQ(UnixAddress{}.to_string(), "(unnamed)");
}

TEST(UnixAddressTest, EqualMeansTheSameKindAndName) {
  EXPECT_EQ(UnixAddress::path("x"), UnixAddress::path("x"));
  EXPECT_FALSE(UnixAddress::path("x") == UnixAddress::path("xx"));
  EXPECT_FALSE(UnixAddress::path("x") == UnixAddress::abstract("x"));
  EXPECT_FALSE(UnixAddress::abstract("x") == UnixAddress::abstract("x\0"s));  // no NUL is trailing
  EXPECT_FALSE(UnixAddress::abstract("") == UnixAddress{});
}

TEST(UnixAddressTest, NothingIsEverCutOff) {
  for (const std::size_t size : {106, 107}) {
    const std::string name(size, 'x');
    EXPECT_EQ(UnixAddress::path(name).name(), name);
    EXPECT_EQ(UnixAddress::abstract(name).name(), name);
  }
  for (const std::size_t size : {108, 109, 5000}) {
    const std::string name(size, 'x');
    EXPECT_EQ(thrown_by([&] { return UnixAddress::path(name); }), ENAMETOOLONG);
    EXPECT_EQ(thrown_by([&] { return UnixAddress::abstract(name); }), ENAMETOOLONG);
  }
}

TEST(UnixAddressTest, WhatIsNoPathIsRefused) {
  EXPECT_EQ(thrown_by([] { return UnixAddress::path(""); }), EINVAL);
  EXPECT_EQ(thrown_by([] { return UnixAddress::path("a\0b"s); }), EINVAL);
}

TEST(UnixAddressTest, APathOfAnotherProgramWithoutRoomForItsNulIsReadWhole) {
  // 108 bytes, which the kernel allows: it then reports one byte more than a sockaddr_un has.
  UnixAddress read;
  sockaddr_un theirs{};
  theirs.sun_family = AF_UNIX;
  std::memset(theirs.sun_path, 'x', sizeof theirs.sun_path);
  std::memcpy(read.data(), &theirs, sizeof theirs);
  read.resize(sizeof theirs + 1);
  EXPECT_EQ(read.name(), std::string(108, 'x'));
}

}  // namespace
}  // namespace reactorlab
