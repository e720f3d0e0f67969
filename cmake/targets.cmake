# Helpers that every target is made with.

# The sources of the folders DIR... (relative to the repository), without the tests that stand beside them.
# A folder that doesn't exist gives nothing.
function(reactorlab_sources out)
  set(sources "")
  foreach(dir IN LISTS ARGN)
    file(GLOB found CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${dir}/*.cpp")
    list(APPEND sources ${found})
  endforeach()
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  set(${out} "${sources}" PARENT_SCOPE)
endfunction()

# The tests of the folders DIR...
function(reactorlab_test_sources out)
  set(sources "")
  foreach(dir IN LISTS ARGN)
    file(GLOB found CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${dir}/*_test.cpp")
    list(APPEND sources ${found})
  endforeach()
  set(${out} "${sources}" PARENT_SCOPE)
endfunction()

# What all targets of this repository share: warnings, and one include root (`#include "core/task.hpp"`).
function(reactorlab_defaults target)
  # g++ 12 sees overlapping copies in std::string concatenation (GCC bug 105329), and the empty std::optional's contents
  # as uninitialised (80635); clang's own checks stay on.
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow
                                           $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-maybe-uninitialized>
                                           $<$<BOOL:${REACTORLAB_WERROR}>:-Werror>)
  target_include_directories(${target} PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>"
                                              "$<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/generated>")
  target_compile_features(${target} PUBLIC cxx_std_20)
endfunction()

# A static library NAME from SOURCES..., or nothing if there are none.
function(reactorlab_add_library name)
  if(ARGN)
    add_library(${name} STATIC ${ARGN})
    reactorlab_defaults(${name})
  endif()
endfunction()

# TARGET's sources find HEADERS... compiled already: what a dozen of them include takes half of the time of compiling one. Only the
# build is quicker; every source still includes what it uses, and the release preset, which goes without, checks that it does.
function(reactorlab_precompile target)
  if(TARGET ${target} AND ARGN AND NOT CMAKE_BUILD_TYPE STREQUAL "Release")
    target_precompile_headers(${target} PRIVATE ${ARGN})
    # The same header gives the same file, so that a compiler cache can tell.
    target_compile_options(${target} PRIVATE "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")
  endif()
endfunction()

# TARGET is part of a test: in the release flavour it is compiled at -O2. What it tests keeps the flavour's own level, but for what is
# inlined into it, and the third level takes a fifth of the time of compiling a test.
function(reactorlab_optimise_less target)
  if(TARGET ${target})
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O2>)
  endif()
endfunction()

# Links TARGET to those of LIBRARIES... that exist in this configuration.
function(reactorlab_link target)
  foreach(library IN LISTS ARGN)
    if(TARGET ${library})
      target_link_libraries(${target} PUBLIC ${library})
    endif()
  endforeach()
endfunction()
