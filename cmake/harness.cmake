# The benchmark: measuring, load generation, the peers, and the driver with its verbs.
#   reactorlab_measure  harness/measure
#   reactorlab_load     harness/load
#   impl_<peer>         impls/<peer>, one static library for each
#   reactorlab_bench    harness/bench without main.cpp, and harness/primitives, so that its tests can link it
#   bench               the binary

if(NOT REACTORLAB_BENCH AND NOT REACTORLAB_TESTS)
  return()
endif()

reactorlab_sources(measure_sources harness/measure)
reactorlab_add_library(reactorlab_measure ${measure_sources})
if(TARGET reactorlab_measure)
  reactorlab_link(reactorlab_measure fmt::fmt nlohmann_json::nlohmann_json Threads::Threads)
  # What a published run says about how it was built.
  string(TOUPPER "${CMAKE_BUILD_TYPE}" flavour)
  string(STRIP "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${flavour}}" flags)
  set_property(SOURCE harness/measure/build_facts.cpp APPEND PROPERTY COMPILE_DEFINITIONS
               "REACTORLAB_CXX_FLAGS=\"${flags}\"" "REACTORLAB_SOURCE_DIR=\"${PROJECT_SOURCE_DIR}\"")
endif()

reactorlab_sources(load_sources harness/load)
reactorlab_add_library(reactorlab_load ${load_sources})
if(TARGET reactorlab_load)
  reactorlab_link(reactorlab_load reactorlab_measure reactorlab fmt::fmt nlohmann_json::nlohmann_json Threads::Threads)
endif()

set(peer_targets "")
foreach(peer IN LISTS REACTORLAB_PEERS)
  reactorlab_sources(peer_sources impls/${peer})
  reactorlab_add_library(impl_${peer} ${peer_sources})
  reactorlab_link(impl_${peer} ${REACTORLAB_PEER_LIBRARIES_${peer}} Threads::Threads)
  reactorlab_precompile(impl_${peer} ${REACTORLAB_PEER_HEADERS_${peer}})
  list(APPEND peer_targets impl_${peer})
endforeach()

reactorlab_sources(bench_sources harness harness/bench harness/primitives harness/scenarios)
list(REMOVE_ITEM bench_sources "${PROJECT_SOURCE_DIR}/harness/bench/main.cpp")
reactorlab_add_library(reactorlab_bench ${bench_sources})
set(bench_libraries reactorlab_load reactorlab_measure ${peer_targets} reactorlab
                    CLI11::CLI11 benchmark::benchmark fmt::fmt nlohmann_json::nlohmann_json Threads::Threads)
if(TARGET reactorlab_bench)
  reactorlab_link(reactorlab_bench ${bench_libraries})
  reactorlab_precompile(reactorlab_bench <CLI/CLI.hpp> <nlohmann/json.hpp> core/reactorlab.hpp)
endif()

if(REACTORLAB_BENCH)
  file(GLOB bench_main CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/harness/bench/main.cpp")
  if(bench_main)
    add_executable(bench ${bench_main})
    reactorlab_defaults(bench)
    reactorlab_link(bench reactorlab_bench ${bench_libraries})
  endif()
endif()
