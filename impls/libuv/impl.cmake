# Debian's libuv 1.44 has no CMake package of its own.
find_path(LIBUV_INCLUDE_DIR uv.h)
find_library(LIBUV_LIBRARY uv)
mark_as_advanced(LIBUV_INCLUDE_DIR LIBUV_LIBRARY)
if(LIBUV_INCLUDE_DIR AND LIBUV_LIBRARY)
  add_library(libuv UNKNOWN IMPORTED)
  set_target_properties(libuv PROPERTIES IMPORTED_LOCATION "${LIBUV_LIBRARY}"
                                         INTERFACE_INCLUDE_DIRECTORIES "${LIBUV_INCLUDE_DIR}")
  set(IMPL_LIBRARIES libuv)
else()
  set(IMPL_MISSING "libuv (package libuv1-dev)")
endif()
