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
auto with_runtime_type(std::string_view name, const RuntimeOptions& options, Use&& use) {
@home_cases@  throw UsageError{"unknown runtime"};
}

}  // namespace reactorlab
]])
