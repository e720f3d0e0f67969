#include "harness/adapters/main.hpp"
#include "harness/adapters/libuv/loop.hpp"
#include "harness/adapters/runtime.hpp"

using namespace reactorlab;
using adapters::Shape;

int main(int argc, char** argv) {
  adapters::prepare_libuv();
  const auto make = [](const RuntimeOptions& options) {
    return std::make_unique<adapters::PeerRuntime>("libuv", Shape::confined, adapters::make_libuv_loop(), options);
  };
  return adapters::run_peer(argc, argv, "libuv",
                            {{.name = "libuv_confined", .capabilities = adapters::capabilities_of(Shape::confined), .make = make}});
}
