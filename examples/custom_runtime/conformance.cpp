// The same runtime under reactorlab's conformance kit.

#include "harness/conformance/black_box.hpp"
#include "member_home.hpp"

using namespace reactorlab;

int main(int argc, char** argv) {
  return conformance::run_black_box(
      argc, argv,
      {.name = "member", .capabilities = custom::Home::description.capabilities, .make = [](const RuntimeOptions& options) {
         return std::make_unique<custom::MemberRuntime>(options);
       }});
}
