# Peers under the kit: for each adapter of harness/adapters/<peer> whose library is installed, the binary conformance_<peer> and
#   <peer>.<backend>.<RULE>   labels peer:X, backend:Y, chapter:Z; a rule of which nothing can be asked of a stranger is a skip (77)
# The backend is what the peer itself waits with; its rules are those of docs/SPEC.md but for the homes' own. What deviates is listed in
# harness/conformance/deviations.txt.

reactorlab_sources(adapter_sources harness/adapters)
reactorlab_add_library(reactorlab_adapters ${adapter_sources})
reactorlab_link(reactorlab_adapters reactorlab_kit)
set_property(SOURCE harness/adapters/main.cpp APPEND PROPERTY COMPILE_DEFINITIONS
             "REACTORLAB_DEVIATIONS=\"${PROJECT_SOURCE_DIR}/harness/conformance/deviations.txt\"")

function(reactorlab_add_peer_conformance peer)
  reactorlab_sources(sources harness/adapters/${peer})
  add_executable(conformance_${peer} ${sources})
  reactorlab_defaults(conformance_${peer})
  target_link_libraries(conformance_${peer} PRIVATE reactorlab_adapters $<LINK_LIBRARY:WHOLE_ARCHIVE,reactorlab_rules>
                                                    ${REACTORLAB_PEER_LIBRARIES_${peer}})
  add_dependencies(tests conformance_${peer})

  reactorlab_rules_of(rules ${peer})
  foreach(rule IN LISTS rules)
    set(name ${peer}.epoll.${rule})
    string(REGEX MATCH "^[A-Z]+" chapter ${rule})
    add_test(NAME ${name} COMMAND conformance_${peer} --backend=epoll --rule=${rule})
    set_tests_properties(${name} PROPERTIES LABELS "peer:${peer};backend:epoll;chapter:${chapter}" SKIP_RETURN_CODE 77 TIMEOUT 120)
  endforeach()
endfunction()

# ThreadSanitizer sees libuv's calls, but not how it orders them: the library isn't instrumented, so a descriptor that its thread closes
# and another thread's next one of the same number look like a race. Asio is all headers.
set(opaque_peers "")
if(CMAKE_BUILD_TYPE STREQUAL "Tsan")
  set(opaque_peers libuv)
endif()

foreach(peer IN LISTS REACTORLAB_PEERS)
  if(NOT peer IN_LIST opaque_peers AND IS_DIRECTORY "${PROJECT_SOURCE_DIR}/harness/adapters/${peer}")
    reactorlab_add_peer_conformance(${peer})
  endif()
endforeach()
