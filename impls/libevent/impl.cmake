# Debian's libevent 2.1 has no CMake package of its own. Of its libraries the core one suffices.
find_path(LIBEVENT_INCLUDE_DIR event2/event.h)
find_library(LIBEVENT_CORE_LIBRARY event_core)
mark_as_advanced(LIBEVENT_INCLUDE_DIR LIBEVENT_CORE_LIBRARY)
if(LIBEVENT_INCLUDE_DIR AND LIBEVENT_CORE_LIBRARY)
  add_library(libevent UNKNOWN IMPORTED)
  set_target_properties(libevent PROPERTIES IMPORTED_LOCATION "${LIBEVENT_CORE_LIBRARY}"
                                            INTERFACE_INCLUDE_DIRECTORIES "${LIBEVENT_INCLUDE_DIR}")
  set(IMPL_LIBRARIES libevent)
else()
  set(IMPL_MISSING "libevent 2.1 (package libevent-dev)")
endif()
