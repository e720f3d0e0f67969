#include "harness/adapters/main.hpp"
#include "harness/adapters/asio/loop.hpp"
#include "harness/adapters/runtime.hpp"

using namespace reactorlab;
using adapters::Shape;

namespace {

conformance::Subject subject(const char* name, Shape shape, unsigned workers) {
  return {.name = name,
          .capabilities = adapters::capabilities_of(shape),
          .make =
              [shape](const RuntimeOptions& options) {
                return std::make_unique<adapters::PeerRuntime>("asio", shape, adapters::make_asio_loop(), options);
              },
          .options = {.workers = workers}};
}

}  // namespace

int main(int argc, char** argv) {
  return adapters::run_peer(argc, argv, "asio",
                            {subject("asio_confined", Shape::confined, 1), subject("asio_pool_1", Shape::pool, 1),
                             subject("asio_pool_2", Shape::pool, 2)});
}
