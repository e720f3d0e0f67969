# Boost.Asio is header only. 1.81, because Debian's default, 1.74, lacks what this peer is written against.
find_package(Boost 1.81 CONFIG QUIET)
if(TARGET Boost::headers)
  set(IMPL_LIBRARIES Boost::headers)
else()
  set(IMPL_MISSING "Boost.Asio 1.81 or newer (package libboost1.81-dev)")
endif()

# Asio's timer queues have virtual functions. Clang's check of their type looks at memory through a pipe, and without a descriptor to
# make one of, in the tests that run out of them, it reports what isn't so.
file(GLOB asio_sources "${CMAKE_CURRENT_LIST_DIR}/*.cpp")
set_source_files_properties(${asio_sources} PROPERTIES COMPILE_OPTIONS "$<$<CONFIG:Asan>:-fno-sanitize=vptr>")
