# Boost.Asio is header only. 1.81, because Debian's default, 1.74, lacks what this peer is written against.
find_package(Boost 1.81 CONFIG QUIET)
if(TARGET Boost::headers)
  set(IMPL_LIBRARIES Boost::headers)
  set(IMPL_HEADERS <boost/asio/io_context.hpp> <boost/asio/ip/tcp.hpp>)
else()
  set(IMPL_MISSING "Boost.Asio 1.81 or newer (package libboost1.81-dev)")
endif()

# asio:uring: without its epoll, Asio waits with io_uring for everything. Its classes would otherwise be visible whatever the compiler
# is told.
set(IMPL_FLAVOUR uring)
include(cmake/find_liburing.cmake)
if(TARGET liburing)
  set(IMPL_FLAVOUR_LIBRARIES Boost::headers liburing)
  set(IMPL_FLAVOUR_DEFINITIONS BOOST_ASIO_HAS_IO_URING BOOST_ASIO_DISABLE_EPOLL BOOST_ASIO_DISABLE_VISIBILITY)
else()
  set(IMPL_FLAVOUR_MISSING "liburing (package liburing-dev)")
endif()
