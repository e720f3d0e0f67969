# cmake --install: the library for find_package(reactorlab).
#   reactorlab::reactorlab        headers and the shipped flavour; included as in this tree, "core/reactorlab.hpp"
#   reactorlab::conformance_kit   COMPONENTS conformance_kit: the kit and its rules on the instrumented flavour. A program links one of
#                                 the two. Installed only by `cmake --install ... --component conformance_kit`, from a build with tests.

if(NOT REACTORLAB_INSTALL)
  return()
endif()
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(include_root "${CMAKE_INSTALL_INCLUDEDIR}/reactorlab")
set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/reactorlab")

# TARGETS..., which find_package offers as reactorlab::<name without the prefix reactorlab_>.
function(reactorlab_export targets_file)
  cmake_parse_arguments(arg "" "" "TARGETS;INSTALL_OPTIONS" ${ARGN})
  foreach(target IN LISTS arg_TARGETS)
    string(REGEX REPLACE "^reactorlab_" "" exported ${target})
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${exported})
    target_include_directories(${target} INTERFACE "$<INSTALL_INTERFACE:${include_root}>")
    # Which way system calls go is part of what was built; the flavours' own definition reaches only this build.
    if(CMAKE_BUILD_TYPE MATCHES "^(Asan|Tsan)$")
      target_compile_definitions(${target} INTERFACE "$<INSTALL_INTERFACE:REACTORLAB_LIBC_SYSCALLS=1>")
    endif()
  endforeach()
  install(TARGETS ${arg_TARGETS} EXPORT ${targets_file} ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" ${arg_INSTALL_OPTIONS})
  install(EXPORT ${targets_file} NAMESPACE reactorlab:: DESTINATION "${package_folder}" ${arg_INSTALL_OPTIONS})
endfunction()

reactorlab_export(reactorlabTargets TARGETS reactorlab INSTALL_OPTIONS COMPONENT library)
install(DIRECTORY core DESTINATION "${include_root}" COMPONENT library
        FILES_MATCHING PATTERN "*.hpp" PATTERN "*_test.hpp" EXCLUDE)
foreach(folder IN LISTS variant_folders)
  install(DIRECTORY ${folder} DESTINATION "${include_root}/impls" COMPONENT library FILES_MATCHING PATTERN "*.hpp")
endforeach()
install(FILES "${PROJECT_BINARY_DIR}/generated/reactorlab/homes.hpp" DESTINATION "${include_root}/reactorlab" COMPONENT library)
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/reactorlab" COMPONENT library)

configure_package_config_file(cmake/reactorlabConfig.cmake.in "${PROJECT_BINARY_DIR}/reactorlabConfig.cmake"
                              INSTALL_DESTINATION "${package_folder}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/reactorlabConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/reactorlabConfig.cmake" "${PROJECT_BINARY_DIR}/reactorlabConfigVersion.cmake"
        DESTINATION "${package_folder}" COMPONENT library)

if(TARGET reactorlab_rules)
  add_library(reactorlab_conformance_kit INTERFACE)
  target_link_libraries(reactorlab_conformance_kit INTERFACE "$<INSTALL_INTERFACE:$<LINK_LIBRARY:WHOLE_ARCHIVE,reactorlab::rules>>")
  set(kit_only COMPONENT conformance_kit EXCLUDE_FROM_ALL)
  reactorlab_export(reactorlabConformanceKitTargets INSTALL_OPTIONS ${kit_only}
                    TARGETS reactorlab_conformance_kit reactorlab_rules reactorlab_kit reactorlab_instrumented)
  install(FILES harness/conformance/black_box.hpp DESTINATION "${include_root}/harness/conformance" ${kit_only})
endif()

# The package as a stranger sees it: installed into the build folder, then examples/custom_runtime is configured, built and tested
# against it, with this build's compiler and flags. Labels: package.
if(TARGET reactorlab_rules)
  set(stage "${PROJECT_BINARY_DIR}/stage")
  add_test(NAME package.install COMMAND "${CMAKE_COMMAND}" "-DBUILD=${PROJECT_BINARY_DIR}" "-DPREFIX=${stage}"
                                        -P "${PROJECT_SOURCE_DIR}/cmake/stage_package.cmake")
  string(TOUPPER "${CMAKE_BUILD_TYPE}" flavour)
  add_test(NAME package.custom_runtime
           COMMAND "${CMAKE_CTEST_COMMAND}" --build-and-test
                   "${PROJECT_SOURCE_DIR}/examples/custom_runtime" "${PROJECT_BINARY_DIR}/custom_runtime"
                   --build-generator "${CMAKE_GENERATOR}" --build-makeprogram "${CMAKE_MAKE_PROGRAM}"
                   --build-options "-DCMAKE_PREFIX_PATH=${stage}" "-DCMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE}"
                                   "-DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}"
                                   "-DCMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER}"
                                   "-DCMAKE_CXX_FLAGS_${flavour}=${CMAKE_CXX_FLAGS_${flavour}}"
                   --test-command "${CMAKE_CTEST_COMMAND}" --output-on-failure --no-tests=error)
  set_tests_properties(package.install PROPERTIES LABELS package TIMEOUT 120 FIXTURES_SETUP package)
  set_tests_properties(package.custom_runtime PROPERTIES LABELS package TIMEOUT 300 FIXTURES_REQUIRED package PROCESSORS 2)
endif()
