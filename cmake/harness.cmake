# The benchmark: measuring, load generation, the peers, and the driver with its verbs.
#   reactorlab_measure  harness/measure
#   reactorlab_load     harness/load
#   impl_<peer>         impls/<peer>, one static library for each
#   impl_<peer>_<shape> a shape for which the peer is compiled in another way, a shared library
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

# The peer's flavour as the shared library impl_<peer>_<flavour>: its shape_<flavour>.cpp on the whole peer compiled again. The two ways
# define the same names differently, so nothing but make_<peer>_<flavour>_engine() leaves the library. It is loaded with the program, so
# its threads' variables can be reached as those of the program are.
function(reactorlab_add_flavour peer)
  set(flavour ${REACTORLAB_PEER_FLAVOUR_${peer}})
  set(target impl_${peer}_${flavour})
  reactorlab_sources(sources impls/${peer})
  list(FILTER sources EXCLUDE REGEX "/(engine|shape_[^/]*)\\.cpp$")
  add_library(${target} SHARED ${sources} "${PROJECT_SOURCE_DIR}/impls/${peer}/shape_${flavour}.cpp")
  reactorlab_defaults(${target})
  target_compile_definitions(${target} PRIVATE ${REACTORLAB_PEER_FLAVOUR_DEFINITIONS_${peer}})
  target_compile_options(${target} PRIVATE -ftls-model=initial-exec)
  target_link_libraries(${target} PRIVATE ${REACTORLAB_PEER_FLAVOUR_LIBRARIES_${peer}} Threads::Threads)
  set(exported "${PROJECT_BINARY_DIR}/generated/${target}.map")
  file(CONFIGURE OUTPUT "${exported}" @ONLY
       CONTENT "{ global: extern \"C++\" { reactorlab::make_${peer}_${flavour}_engine*; }; local: *; };\n")
  target_link_options(${target} PRIVATE "LINKER:--version-script=${exported}")
  set_target_properties(${target} PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON LINK_DEPENDS "${exported}")
endfunction()

set(peer_targets "")
foreach(peer IN LISTS REACTORLAB_PEERS)
  reactorlab_sources(peer_sources impls/${peer})
  if(REACTORLAB_PEER_FLAVOUR_${peer})
    list(REMOVE_ITEM peer_sources "${PROJECT_SOURCE_DIR}/impls/${peer}/shape_${REACTORLAB_PEER_FLAVOUR_${peer}}.cpp")
    if(NOT REACTORLAB_PEER_FLAVOUR_MISSING_${peer})
      reactorlab_add_flavour(${peer})
      list(APPEND peer_targets impl_${peer}_${REACTORLAB_PEER_FLAVOUR_${peer}})
    endif()
  endif()
  reactorlab_add_library(impl_${peer} ${peer_sources})
  reactorlab_link(impl_${peer} ${REACTORLAB_PEER_LIBRARIES_${peer}} Threads::Threads)
  reactorlab_precompile(impl_${peer} ${REACTORLAB_PEER_HEADERS_${peer}})
  list(APPEND peer_targets impl_${peer})
endforeach()

# generated/reactorlab/<kind>_files.inc: the definitions in harness/<kind>s, so that a bench that is moved keeps them.
function(reactorlab_embed_definitions kind)
  file(GLOB files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/harness/${kind}s/*.json")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files})
  set(embedded "")
  foreach(file IN LISTS files)
    cmake_path(GET file FILENAME name)
    file(READ "${file}" text)
    string(APPEND embedded "{\"${name}\", R\"definition(${text})definition\"},\n")
  endforeach()
  file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/generated/reactorlab/${kind}_files.inc" CONTENT "${embedded}" @ONLY)
endfunction()
reactorlab_embed_definitions(workload)
reactorlab_embed_definitions(ablation)

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
