# Fuzzing: a binary fuzz_<target> for each harness/fuzz/<target>_target.cpp, on a third flavour of the library (core/flavour.hpp),
# reactorlab_simulated. Part of the Asan flavour, since libFuzzer is clang's and finds little without a sanitizer.
#   fuzz.<target>                 the seeds of harness/fuzz/seeds/<target>, and a fixed number of inputs made from them
#   fuzz.<target>.finds.<mutant>  the same with a fault switched on, which must be found (harness/fuzz/finds.txt)
# Label fuzz. scripts/fuzz runs a target for longer.

if(NOT CMAKE_BUILD_TYPE STREQUAL "Asan" OR NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  return()
endif()

reactorlab_add_library(reactorlab_simulated ${library_sources})
target_compile_definitions(reactorlab_simulated PUBLIC REACTORLAB_INSTRUMENTED=1 REACTORLAB_SIMULATED=1)
# Threads are fibers here: a fake stack for each would be most of what a run costs.
target_compile_options(reactorlab_simulated PUBLIC -fsanitize=fuzzer-no-link -fsanitize-address-use-after-return=never)
target_link_libraries(reactorlab_simulated PUBLIC Threads::Threads)

reactorlab_sources(fuzz_sources harness/fuzz)
list(FILTER fuzz_sources EXCLUDE REGEX "/(main|[^/]*_target)\\.cpp$")
reactorlab_add_library(reactorlab_fuzz ${fuzz_sources} harness/conformance/configuration.cpp)
reactorlab_link(reactorlab_fuzz reactorlab_simulated)

set(fuzz_folder "${PROJECT_BINARY_DIR}/fuzz")
file(MAKE_DIRECTORY "${fuzz_folder}")

# A ctest entry NAME for TARGET with that many runs; found inputs are left in the build folder.
function(reactorlab_add_fuzz_test name target runs)
  add_test(NAME ${name} COMMAND fuzz_${target} ${ARGN} -seed=1 -runs=${runs} -max_len=512 -print_funcs=0 -print_final_stats=1 -verbosity=0
                                "-seed_inputs=@${fuzz_folder}/${target}.seeds" "-artifact_prefix=${fuzz_folder}/${name}-")
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 300)
endfunction()

# How many inputs are a few seconds. The search for a fault ends with the find, so it may take many more of them.
set(fuzz_runs_slab 3000)
set(fuzz_runs_timer_wheel 20000)
set(fuzz_runs_schedules 5000)

file(GLOB fuzz_targets CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/harness/fuzz/*_target.cpp")
foreach(source IN LISTS fuzz_targets)
  cmake_path(GET source STEM target)
  string(REGEX REPLACE "_target$" "" target ${target})
  add_executable(fuzz_${target} ${source} harness/fuzz/main.cpp)
  reactorlab_defaults(fuzz_${target})
  reactorlab_link(fuzz_${target} reactorlab_fuzz)
  target_link_options(fuzz_${target} PRIVATE -fsanitize=fuzzer)
  add_dependencies(tests fuzz_${target})

  file(GLOB seeds CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/harness/fuzz/seeds/${target}/*")
  list(JOIN seeds "," seeds)
  file(CONFIGURE OUTPUT "${fuzz_folder}/${target}.seeds" CONTENT "${seeds}" @ONLY)
  reactorlab_add_fuzz_test(fuzz.${target} ${target} ${fuzz_runs_${target}})
endforeach()

reactorlab_grep(lines harness/fuzz/finds.txt "\n[a-z][a-z_]* +[a-z][a-z_]*")
foreach(line IN LISTS lines)
  string(REGEX MATCH "([a-z_]+) +([a-z_]+)" pair "${line}")
  set(name fuzz.${CMAKE_MATCH_1}.finds.${CMAKE_MATCH_2})
  math(EXPR runs "16 * ${fuzz_runs_${CMAKE_MATCH_1}}")
  reactorlab_add_fuzz_test(${name} ${CMAKE_MATCH_1} ${runs} --mutant=${CMAKE_MATCH_2})
  # The words of a failed demand, an assertion or the sanitizer; a time-out isn't one.
  set_tests_properties(${name} PROPERTIES PASS_REGULAR_EXPRESSION "SUMMARY: (libFuzzer: deadly signal|AddressSanitizer)")
endforeach()
