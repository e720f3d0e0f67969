# The programs of examples/, one for each .cpp, at build/<preset>/examples/. Each is a ctest entry per variant, with real clients:
#   example.<program>.<variant>  labels example, variant:X
# What is measured and shipped doesn't need them, so without REACTORLAB_EXAMPLES none is built.

if(NOT REACTORLAB_EXAMPLES)
  return()
endif()

function(reactorlab_add_example source)
  cmake_path(GET source STEM name)
  add_executable(${name} ${source})
  reactorlab_defaults(${name})
  reactorlab_link(${name} reactorlab CLI11::CLI11 fmt::fmt)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/examples")
  if(NOT REACTORLAB_TESTS)
    return()
  endif()
  add_dependencies(tests ${name})
  foreach(variant IN LISTS REACTORLAB_VARIANTS)
    add_test(NAME example.${name}.${variant}
             COMMAND "${PROJECT_SOURCE_DIR}/examples/drive.py" $<TARGET_FILE:${name}> --impl=${variant})
    set_tests_properties(example.${name}.${variant} PROPERTIES LABELS "example;variant:${variant}" TIMEOUT 60)
  endforeach()
endfunction()

reactorlab_sources(example_sources examples)
foreach(source IN LISTS example_sources)
  reactorlab_add_example(${source})
endforeach()
