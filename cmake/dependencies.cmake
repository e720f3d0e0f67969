# Everything comes from the distribution's packages; `scripts/setup` installs them.

# find_package that names the remedy.
macro(reactorlab_require package)
  find_package(${package} ${ARGN} QUIET)
  if(NOT ${package}_FOUND)
    message(FATAL_ERROR "reactorlab needs ${package}, which isn't installed: run scripts/setup")
  endif()
endmacro()

set(THREADS_PREFER_PTHREAD_FLAG ON)
reactorlab_require(Threads)
if(REACTORLAB_BENCH OR REACTORLAB_TESTS OR REACTORLAB_EXAMPLES)
  reactorlab_require(fmt)
  reactorlab_require(CLI11)
endif()
if(REACTORLAB_BENCH OR REACTORLAB_TESTS)
  reactorlab_require(nlohmann_json)
  reactorlab_require(benchmark)
endif()
if(REACTORLAB_TESTS)
  reactorlab_require(GTest)
endif()
