#include "harness/conformance/process_memory.hpp"

#include <malloc.h>
#include <unistd.h>

#include <fstream>

#include "core/flavour.hpp"

namespace reactorlab::conformance {

ProcessMemory ProcessMemory::now() {
  ProcessMemory memory;
  if (sanitized) return memory;
  std::size_t pages = 0;
  std::ifstream{"/proc/self/statm"} >> pages;
  memory.address_bytes = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  memory.heap_bytes = ::mallinfo2().uordblks;
  return memory;
}

}  // namespace reactorlab::conformance
