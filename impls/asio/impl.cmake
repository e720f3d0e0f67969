# Boost.Asio is header only. 1.81, because Debian's default, 1.74, lacks what this peer is written against.
find_package(Boost 1.81 CONFIG QUIET)
if(TARGET Boost::headers)
  set(IMPL_LIBRARIES Boost::headers)
  set(IMPL_HEADERS <boost/asio/io_context.hpp> <boost/asio/ip/tcp.hpp>)
else()
  set(IMPL_MISSING "Boost.Asio 1.81 or newer (package libboost1.81-dev)")
endif()
