# The conformance kit as ctest entries. docs/SPEC.md is the list of rules, harness/conformance/mutants/mutants.txt that of mutants.
#   <variant>.<backend>.<RULE>  labels variant:X, backend:Y, chapter:Z; a missing capability is a skip (exit status 77)
#   mutant.<name>.<RULE>        label mutant; passes when the rule (or the sweep) kills it
#   sweep.<scenario>.<variant>.<backend>  labels sweep, variant:X, backend:Y; prints how many faults it injected
# add_test for each, because gtest_discover_tests of CMake 3.25 keeps only the first of several labels.

set(REACTORLAB_BACKENDS epoll uring_poll uring)

set(REACTORLAB_RULES "" CACHE STRING "Build only the rules_*.cpp whose name matches this, to work on one chapter: shd|flt")

# Whose rules the VAR chapter's sections are.
set(REACTORLAB_VAR_TL thread_local)
set(REACTORLAB_VAR_AM arc_mutex)
set(REACTORLAB_VAR_OG oncelock_global)
set(REACTORLAB_VAR_DT dedicated_thread)

# The words of FILE (which may not exist) that match REGEX, in order. Configuring runs again when the file appears or changes.
function(reactorlab_grep out file regex)
  set(${out} "" PARENT_SCOPE)
  file(GLOB present CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${file}")
  if(present)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${present}")
    file(READ "${present}" text)
    string(REGEX MATCHALL "${regex}" matches "\n${text}")
    set(${out} "${matches}" PARENT_SCOPE)
  endif()
endfunction()

# Whether RULE is one of VARIANT's: all are, but for another variant's section of the VAR chapter.
function(reactorlab_rule_applies out rule variant)
  set(${out} TRUE PARENT_SCOPE)
  if(rule MATCHES "^VAR-([A-Z]+)-")
    if(NOT variant STREQUAL "${REACTORLAB_VAR_${CMAKE_MATCH_1}}")
      set(${out} FALSE PARENT_SCOPE)
    endif()
  endif()
endfunction()

# The rules of docs/SPEC.md that are VARIANT's, in order.
function(reactorlab_rules_of out variant)
  set(rules "")
  reactorlab_grep(headings docs/SPEC.md "\n### [A-Z]+(-[A-Z]+)?-[0-9]+ ")
  foreach(heading IN LISTS headings)
    string(REGEX MATCH "[A-Z]+(-[A-Z]+)?-[0-9]+" rule "${heading}")
    reactorlab_rule_applies(applies ${rule} ${variant})
    if(applies)
      list(APPEND rules ${rule})
    endif()
  endforeach()
  set(${out} "${rules}" PARENT_SCOPE)
endfunction()

function(reactorlab_add_rule variant backend rule)
  set(name ${variant}.${backend}.${rule})
  string(REGEX MATCH "^[A-Z]+" chapter ${rule})
  add_test(NAME ${name} COMMAND conformance --variant=${variant} --backend=${backend} --rule=${rule})
  set_tests_properties(${name} PROPERTIES LABELS "variant:${variant};backend:${backend};chapter:${chapter}"
                                          SKIP_RETURN_CODE 77 TIMEOUT 120)
endfunction()

# Not under a sanitizer: a mutant proves that a rule is sharp, which doesn't depend on the flavour, and a sanitizer can only add to
# what kills it. Those that hang a runtime until the watchdog ends them are slow there.
function(reactorlab_add_mutant mutant rule)
  if(CMAKE_BUILD_TYPE MATCHES "^(Asan|Tsan)$")
    return()
  endif()
  set(name mutant.${mutant}.${rule})
  add_test(NAME ${name} COMMAND conformance --mutant=${mutant} --expect-killed-by=${rule})
  set_tests_properties(${name} PROPERTIES LABELS mutant TIMEOUT 120)
  if(rule MATCHES "^URG-")
    set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77) # where there are no rings
  endif()
endfunction()

# <scenario>: harness/conformance/sweep_<scenario>.cpp.
function(reactorlab_add_sweep scenario variant backend)
  set(name sweep.${scenario}.${variant}.${backend})
  add_test(NAME ${name} COMMAND conformance --variant=${variant} --backend=${backend} --sweep=${scenario})
  set_tests_properties(${name} PROPERTIES LABELS "sweep;variant:${variant};backend:${backend}" SKIP_RETURN_CODE 77 TIMEOUT 120)
endfunction()

# The binary `conformance` of harness/conformance and its ctest entries: main.cpp on the rules (rules_*.cpp, which declare themselves,
# so all of them are linked) on the kit, which is the rest. The kit's own tests are the binary `kit_tests`.
function(reactorlab_add_conformance)
  reactorlab_sources(kit harness/conformance)
  set(rules ${kit})
  list(FILTER kit EXCLUDE REGEX "/(main|operator_new|rules_[^/]*)\\.cpp$")
  list(FILTER rules INCLUDE REGEX "/rules_[^/]*\\.cpp$")
  if(REACTORLAB_RULES)
    list(FILTER rules INCLUDE REGEX "/rules_(${REACTORLAB_RULES})[^/]*\\.cpp$")
  endif()
  reactorlab_add_library(reactorlab_kit ${kit})
  reactorlab_link(reactorlab_kit reactorlab_instrumented GTest::gmock GTest::gtest fmt::fmt CLI11::CLI11)
  reactorlab_precompile(reactorlab_kit harness/conformance/kit.hpp)
  reactorlab_optimise_less(reactorlab_kit)
  reactorlab_add_library(reactorlab_rules ${rules})
  reactorlab_link(reactorlab_rules reactorlab_kit)
  reactorlab_precompile(reactorlab_rules harness/conformance/kit.hpp)
  reactorlab_optimise_less(reactorlab_rules)
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_definitions(reactorlab_rules PRIVATE REACTORLAB_FEWER_STATIC_FORMS)
  endif()
  add_executable(conformance harness/conformance/main.cpp harness/conformance/operator_new.cpp)
  reactorlab_defaults(conformance)
  target_link_libraries(conformance PRIVATE $<LINK_LIBRARY:WHOLE_ARCHIVE,reactorlab_rules>)
  foreach(operator_new IN ITEMS _Znwm _ZnwmRKSt9nothrow_t _ZnwmSt11align_val_t)
    target_link_options(conformance PRIVATE LINKER:--wrap=${operator_new})
  endforeach()
  add_dependencies(tests conformance)

  reactorlab_test_sources(kit_test_sources harness/conformance)
  reactorlab_add_unit_tests(kit_tests SOURCES ${kit_test_sources} LIBRARIES reactorlab_kit)

  foreach(variant IN LISTS REACTORLAB_VARIANTS)
    reactorlab_rules_of(rules_of_variant ${variant})
    foreach(rule IN LISTS rules_of_variant)
      foreach(backend IN LISTS REACTORLAB_BACKENDS)
        reactorlab_add_rule(${variant} ${backend} ${rule})
      endforeach()
    endforeach()
  endforeach()

  reactorlab_grep(lines harness/conformance/mutants/mutants.txt "\n[a-z][a-z0-9_-]* +([A-Z]+(-[A-Z]+)?-[0-9]+|sweep-[a-z]+)")
  foreach(line IN LISTS lines)
    string(REGEX MATCH "([a-z0-9_-]+) +([A-Za-z0-9-]+)" pair "${line}")
    reactorlab_add_mutant(${CMAKE_MATCH_1} ${CMAKE_MATCH_2})
  endforeach()

  file(GLOB scenarios CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/harness/conformance/sweep_*.cpp")
  foreach(file IN LISTS scenarios)
    string(REGEX REPLACE ".*/sweep_([a-z]+)\\.cpp$" "\\1" scenario "${file}")
    foreach(variant IN LISTS REACTORLAB_VARIANTS)
      foreach(backend IN LISTS REACTORLAB_BACKENDS)
        reactorlab_add_sweep(${scenario} ${variant} ${backend})
      endforeach()
    endforeach()
  endforeach()
endfunction()
