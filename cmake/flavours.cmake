# The ways to build, as CMake build types. Read before project(), so that the flags are those of the first configuration.
#   Release  what is measured and shipped
#   Dev      for a debugger; sibling calls stay optimised, or g++ 12 overflows the stack on long chains of ready awaits
#   Asan     AddressSanitizer and UndefinedBehaviorSanitizer (clang), without its check of virtual functions' objects: that one looks
#            at memory through a pipe, and reports what isn't so in tests that run out of descriptors
#   Tsan     ThreadSanitizer (clang)
#   Coverage for scripts/coverage: as Dev, and counts which lines ran, atomically because of the threads
# Debugging information is lines only where nobody steps through code: reports name them, and the build is quicker for it.
# A sanitizer sees only what passes through libc, so its flavours define REACTORLAB_LIBC_SYSCALLS for core/sys.

set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG -g1" CACHE STRING "Flags of the Release flavour")
set(CMAKE_CXX_FLAGS_DEV "-Og -g -foptimize-sibling-calls -D_GLIBCXX_ASSERTIONS" CACHE STRING "Flags of the Dev flavour")
set(CMAKE_CXX_FLAGS_ASAN
    "-O1 -g1 -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all -fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS"
    CACHE STRING "Flags of the Asan flavour")
set(CMAKE_CXX_FLAGS_TSAN "-O1 -g1 -fsanitize=thread -fno-omit-frame-pointer" CACHE STRING "Flags of the Tsan flavour")
set(CMAKE_CXX_FLAGS_COVERAGE "-Og -g1 -foptimize-sibling-calls -D_GLIBCXX_ASSERTIONS --coverage -fprofile-update=atomic"
    CACHE STRING "Flags of the Coverage flavour")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Dev, Asan, Tsan or Coverage" FORCE)
endif()
set_property(CACHE CMAKE_BUILD_TYPE PROPERTY STRINGS Release Dev Asan Tsan Coverage)

add_compile_definitions($<$<CONFIG:Asan,Tsan>:REACTORLAB_LIBC_SYSCALLS=1>)
