// fuzz_<target> [--mutant=NAME] [libFuzzer's options and files]
//
// libFuzzer's own main() around run(). --mutant switches a fault on (harness/conformance/mutants), which the fuzzer should find.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "core/mutation.hpp"
#include "harness/fuzz/target.hpp"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerInitialize(int* argc, char*** argv) {
  constexpr std::string_view option = "--mutant=";
  for (int i = 1; i < *argc; ++i) {
    const std::string_view argument = (*argv)[i];
    if (!argument.starts_with(option)) continue;
    reactorlab::active_mutant = reactorlab::mutant_by_name(argument.substr(option.size()));
    if (reactorlab::active_mutant == reactorlab::Mutant::none) {
      std::fprintf(stderr, "fuzz: no mutant %s; harness/conformance/mutants/mutants.txt lists them\n",
                   argument.data() + option.size());
      std::exit(2);
    }
  }
  return 0;
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reactorlab::fuzz::run({data, size});
  return 0;
}
