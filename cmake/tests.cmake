# Everything that ctest runs. The target `tests` builds exactly what it needs.
#   core_tests     core/*_test.cpp and those of the homes, with the seams
#   harness_tests  harness/{measure,load,bench}/*_test.cpp and those of the peers, on the shipped flavour
#   economy_tests  what a message costs: allocations on the shipped flavour, system calls (economy_syscall_tests, golden values by name
#                  among them) with the seams
#   conformance    the kit: rules and mutants, one ctest entry each (cmake/conformance.cmake)
#   conformance_*  the kit on peers, one binary and ctest entries for each (cmake/peers.cmake)
#   fuzz_*         fuzz targets, in the Asan flavour (cmake/fuzz.cmake)
#   check.*        the repository's scripts; a missing tool (valgrind, matplotlib, jinja2) is a skip (exit status 77)
include(GoogleTest)
include(cmake/conformance.cmake)
add_custom_target(tests)

# A GoogleTest binary NAME whose cases are found when ctest starts; SOURCES may be empty, then there is no such target. SHARED_PROCESS
# says that its cases, in any order, stand being run in one process. With a sanitizer, whose processes take longer to start than most
# cases to run, ctest then has a few entries of many cases each, shuffled, instead of an entry for each case.
function(reactorlab_add_unit_tests name)
  cmake_parse_arguments(arg "SHARED_PROCESS" "" "SOURCES;LIBRARIES" ${ARGN})
  if(NOT arg_SOURCES)
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  reactorlab_defaults(${name})
  reactorlab_optimise_less(${name})
  reactorlab_link(${name} ${arg_LIBRARIES} GTest::gmock GTest::gtest_main)
  add_dependencies(tests ${name})
  if(arg_SHARED_PROCESS AND CMAKE_BUILD_TYPE MATCHES "^(Asan|Tsan)$")
    set(shards 8)
    foreach(shard RANGE 1 ${shards})
      math(EXPR index "${shard} - 1")
      add_test(NAME ${name}.${shard}_of_${shards} COMMAND ${name})
      set_tests_properties(${name}.${shard}_of_${shards} PROPERTIES LABELS unit TIMEOUT 600 ENVIRONMENT
                           "GTEST_TOTAL_SHARDS=${shards};GTEST_SHARD_INDEX=${index};GTEST_SHUFFLE=1")
    endforeach()
  else()
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES LABELS unit TIMEOUT 120)
  endif()
endfunction()

reactorlab_test_sources(core_test_sources core ${variant_folders})
reactorlab_add_unit_tests(core_tests SHARED_PROCESS SOURCES ${core_test_sources} LIBRARIES reactorlab_instrumented)

reactorlab_precompile(core_tests <gtest/gtest.h> core/reactorlab.hpp)

set(peer_folders ${REACTORLAB_PEERS})
list(TRANSFORM peer_folders PREPEND "impls/")
reactorlab_test_sources(harness_test_sources harness harness/measure harness/load harness/primitives harness/bench ${peer_folders})
reactorlab_add_unit_tests(harness_tests SOURCES ${harness_test_sources}
                          LIBRARIES reactorlab_bench reactorlab_load reactorlab_measure)
reactorlab_precompile(harness_tests <gmock/gmock.h> <gtest/gtest.h> <nlohmann/json.hpp>)

if(NOT CMAKE_BUILD_TYPE MATCHES "^(Asan|Tsan)$")  # a sanitizer replaces malloc itself
  reactorlab_add_unit_tests(economy_tests SOURCES harness/economy/allocations_test.cpp LIBRARIES reactorlab)
endif()
reactorlab_add_unit_tests(economy_syscall_tests SOURCES harness/economy/syscalls_test.cpp harness/economy/golden_test.cpp
                          harness/economy/system_calls.cpp LIBRARIES reactorlab_instrumented)

reactorlab_add_conformance()
include(cmake/peers.cmake)
include(cmake/fuzz.cmake)

# What `tests` builds is what ctest needs, and scripts/counts counts the bench.
if(TARGET bench)
  add_dependencies(tests bench)
endif()

# The scripts that check the repository, and their own tests. They read sources, so one preset's ctest is as good as another's, and
# they are the release preset's.
function(reactorlab_add_check name script)
  file(GLOB present CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/scripts/${script}")
  if(present AND CMAKE_BUILD_TYPE STREQUAL "Release")
    add_test(NAME check.${name} COMMAND ${present} ${ARGN})
    set_tests_properties(check.${name} PROPERTIES LABELS check SKIP_RETURN_CODE 77 TIMEOUT 300)
  endif()
endfunction()

reactorlab_add_check(layering check_layering)
reactorlab_add_check(layering_self_test check_layering --self-test)
reactorlab_add_check(spec check_spec)
reactorlab_add_check(spec_self_test check_spec --self-test)
reactorlab_add_check(skips_self_test check_skips --self-test)
file(GLOB published_mutants CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/results/conformance/mutants.json")
if(published_mutants)
  reactorlab_add_check(mutants_published mutants --check)
endif()
reactorlab_add_check(mutants_self_test mutants --self-test)
reactorlab_add_check(conformance_matrix_self_test conformance_matrix --self-test)
reactorlab_add_check(plot_self_test plot --self-test)
reactorlab_add_check(counts_self_test counts --self-test)
reactorlab_add_check(readme_self_test readme --self-test)
reactorlab_add_check(readme readme --check)
reactorlab_add_check(scoreboard_self_test scoreboard --self-test)
add_test(NAME check.fuzz_seeds COMMAND "${PROJECT_SOURCE_DIR}/harness/fuzz/make_seeds" --check)
set_tests_properties(check.fuzz_seeds PROPERTIES LABELS check)
