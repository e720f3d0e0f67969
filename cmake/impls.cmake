# The folders of impls/ are the registry: one with a home.hpp is a variant (a complete runtime), one with an engine.cpp is a
# peer (native code against which the variants are measured). Sets, in name order:
#   REACTORLAB_VARIANTS, REACTORLAB_PEERS
# and writes generated/reactorlab/impl_list.inc, with one line REACTORLAB_VARIANT(name) or REACTORLAB_PEER(name) for each.

function(reactorlab_impls_with out file)
  file(GLOB marks CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/impls/*/${file}")
  set(names "")
  foreach(mark IN LISTS marks)
    cmake_path(GET mark PARENT_PATH folder)
    cmake_path(GET folder FILENAME name)
    list(APPEND names ${name})
  endforeach()
  list(SORT names)
  set(${out} "${names}" PARENT_SCOPE)
endfunction()

reactorlab_impls_with(REACTORLAB_VARIANTS home.hpp)
reactorlab_impls_with(REACTORLAB_PEERS engine.cpp)

set(impl_list "")
foreach(name IN LISTS REACTORLAB_VARIANTS)
  string(APPEND impl_list "REACTORLAB_VARIANT(${name})\n")
endforeach()
foreach(name IN LISTS REACTORLAB_PEERS)
  string(APPEND impl_list "REACTORLAB_PEER(${name})\n")
endforeach()
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/generated/reactorlab/impl_list.inc" CONTENT "${impl_list}" @ONLY)
