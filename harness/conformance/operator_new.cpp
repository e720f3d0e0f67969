// The conformance program's operator new: the real one, unless a test has it fail (no_memory.hpp). The linker leads calls here by
// --wrap, so that the real one may be a sanitizer's, with all its checks.

#include <cstddef>
#include <new>

#include "core/memory.hpp"

using reactorlab::memory::refused;

extern "C" {

void* __real__Znwm(std::size_t size);
void* __real__ZnwmRKSt9nothrow_t(std::size_t size, const std::nothrow_t& tag) noexcept;
void* __real__ZnwmSt11align_val_t(std::size_t size, std::align_val_t alignment);

void* __wrap__Znwm(std::size_t size) {
  if (refused()) throw std::bad_alloc{};
  return __real__Znwm(size);
}

void* __wrap__ZnwmRKSt9nothrow_t(std::size_t size, const std::nothrow_t& tag) noexcept {
  return refused() ? nullptr : __real__ZnwmRKSt9nothrow_t(size, tag);
}

void* __wrap__ZnwmSt11align_val_t(std::size_t size, std::align_val_t alignment) {
  if (refused()) throw std::bad_alloc{};
  return __real__ZnwmSt11align_val_t(size, alignment);
}

}  // extern "C"
