# The runtime library, in two flavours of the same sources. A binary links one of them.
#   reactorlab               what is shipped and measured
#   reactorlab_instrumented  with the test seams and the mutants compiled in

set(variant_folders ${REACTORLAB_VARIANTS})
list(TRANSFORM variant_folders PREPEND "impls/")
reactorlab_sources(library_sources core ${variant_folders})

foreach(flavour IN ITEMS reactorlab reactorlab_instrumented)
  reactorlab_add_library(${flavour} ${library_sources})
  if(TARGET ${flavour})
    target_link_libraries(${flavour} PUBLIC Threads::Threads)
  endif()
endforeach()

if(TARGET reactorlab)
  add_library(reactorlab::reactorlab ALIAS reactorlab)
  target_compile_definitions(reactorlab_instrumented PUBLIC REACTORLAB_INSTRUMENTED=1)
  set_target_properties(reactorlab_instrumented PROPERTIES EXCLUDE_FROM_ALL TRUE)
endif()
