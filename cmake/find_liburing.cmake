# For impl.cmake: makes the target liburing where it is installed. Debian's liburing 2.3 has no CMake package of its own.
find_path(LIBURING_INCLUDE_DIR liburing.h)
find_library(LIBURING_LIBRARY uring)
mark_as_advanced(LIBURING_INCLUDE_DIR LIBURING_LIBRARY)
if(LIBURING_INCLUDE_DIR AND LIBURING_LIBRARY AND NOT TARGET liburing)
  add_library(liburing UNKNOWN IMPORTED)
  set_target_properties(liburing PROPERTIES IMPORTED_LOCATION "${LIBURING_LIBRARY}"
                                            INTERFACE_INCLUDE_DIRECTORIES "${LIBURING_INCLUDE_DIR}")
endif()
