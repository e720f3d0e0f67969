# The folders of impls/ are the registry: one with a home.hpp is a variant (a complete runtime), one with an engine.cpp is a
# peer (native code against which the variants are measured). Sets, in name order:
#   REACTORLAB_VARIANTS, REACTORLAB_PEERS
# and writes generated/reactorlab/impl_list.inc, with one line REACTORLAB_VARIANT(name) or REACTORLAB_PEER(name) for each.
#
# A peer's impls/<peer>/shape_<shape>.cpp is the peer in another shape, <peer>:<shape>, with a make_<peer>_<shape>_engine() of its own.
# Those of this build are in generated/reactorlab/shape_list.inc, with one line REACTORLAB_SHAPE(peer, shape) for each.
#
# A peer that stands on a library brings impls/<peer>/impl.cmake, which looks for it and sets one of
#   IMPL_LIBRARIES  the targets that its sources link, or
#   IMPL_MISSING    what isn't installed, with the package that has it.
# Then the peer is left out of this build: configuring says so, and generated/reactorlab/left_out.inc lets the bench say it too.
#
# A shape for which the whole peer has to be compiled in another way is IMPL_FLAVOUR, with
#   IMPL_FLAVOUR_DEFINITIONS, IMPL_FLAVOUR_LIBRARIES  of that way, or
#   IMPL_FLAVOUR_MISSING                              what isn't installed: then this shape alone is left out.

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
reactorlab_impls_with(peers_present engine.cpp)

# Sets REACTORLAB_PEER_LIBRARIES_<peer>, REACTORLAB_PEER_HEADERS_<peer> (worth compiling once) and REACTORLAB_PEER_MISSING_<peer>
# from the peer's hook, and REACTORLAB_PEER_FLAVOUR{,_DEFINITIONS,_LIBRARIES,_MISSING}_<peer>; without a hook all are empty.
function(reactorlab_read_hook peer)
  set(facts LIBRARIES HEADERS MISSING FLAVOUR FLAVOUR_DEFINITIONS FLAVOUR_LIBRARIES FLAVOUR_MISSING)
  foreach(fact IN LISTS facts)
    set(IMPL_${fact} "")
  endforeach()
  include("${PROJECT_SOURCE_DIR}/impls/${peer}/impl.cmake" OPTIONAL)
  foreach(fact IN LISTS facts)
    set(REACTORLAB_PEER_${fact}_${peer} "${IMPL_${fact}}" PARENT_SCOPE)
  endforeach()
endfunction()

# Notes that NAME isn't in this build, because it needs what MISSING says.
macro(reactorlab_leave_out name missing)
  message(NOTICE "-- The peer ${name} is left out: it needs ${missing}. Remedy: scripts/setup bench")
  string(APPEND left_out "{\"${name}\", \"it needs ${missing}\"},\n")
endmacro()

set(REACTORLAB_PEERS "")
set(left_out "")
foreach(peer IN LISTS peers_present)
  reactorlab_read_hook(${peer})
  if(REACTORLAB_PEER_MISSING_${peer})
    reactorlab_leave_out(${peer} "${REACTORLAB_PEER_MISSING_${peer}}")
  else()
    list(APPEND REACTORLAB_PEERS ${peer})
  endif()
endforeach()

set(shape_list "")
foreach(peer IN LISTS REACTORLAB_PEERS)
  file(GLOB shapes CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/impls/${peer}/shape_*.cpp")
  foreach(file IN LISTS shapes)
    string(REGEX REPLACE ".*/shape_([a-z_]+)\\.cpp$" "\\1" shape "${file}")
    if(shape STREQUAL "${REACTORLAB_PEER_FLAVOUR_${peer}}" AND REACTORLAB_PEER_FLAVOUR_MISSING_${peer})
      reactorlab_leave_out(${peer}:${shape} "${REACTORLAB_PEER_FLAVOUR_MISSING_${peer}}")
    else()
      string(APPEND shape_list "REACTORLAB_SHAPE(${peer}, ${shape})\n")
    endif()
  endforeach()
endforeach()
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/generated/reactorlab/shape_list.inc" CONTENT "${shape_list}" @ONLY)
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/generated/reactorlab/left_out.inc" CONTENT "${left_out}" @ONLY)

set(impl_list "")
foreach(name IN LISTS REACTORLAB_VARIANTS)
  string(APPEND impl_list "REACTORLAB_VARIANT(${name})\n")
endforeach()
foreach(name IN LISTS REACTORLAB_PEERS)
  string(APPEND impl_list "REACTORLAB_PEER(${name})\n")
endforeach()
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/generated/reactorlab/impl_list.inc" CONTENT "${impl_list}" @ONLY)

# generated/reactorlab/homes.hpp: every variant's runtime type by name, for code that wants the static form (the bench, the kit).
set(home_includes "")
set(home_cases "")
foreach(name IN LISTS REACTORLAB_VARIANTS)
  string(APPEND home_includes "#include \"impls/${name}/home.hpp\"\n")
  string(APPEND home_cases "  if (name == \"${name}\") return ${name}_home::with_runtime_type(options, use);\n")
endforeach()
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/generated/reactorlab/homes.hpp" @ONLY CONTENT [[
#pragma once
// Generated from the folders of impls/.

@home_includes@
namespace reactorlab {

/// Calls use(std::type_identity<Runtime>) with the type that make_runtime(name, options) would make.
template <class Use>
decltype(auto) with_runtime_type(std::string_view name, const RuntimeOptions& options, Use&& use) {
@home_cases@  throw UsageError{"unknown runtime"};
}

}  // namespace reactorlab
]])
