// Asio's own backend on io_uring. Which one an io_context has is decided when Asio is compiled, so this shape is the whole peer
// compiled again, in a shared object of its own (impl.cmake): two Asios that disagree must not meet in one binary.
#include "harness/engine.hpp"
#include "harness/scenarios/work.hpp"
#include "harness/uring_remedy.hpp"
#include "impls/asio/asio_engine.hpp"
#include "impls/asio/types.hpp"

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include <boost/system/system_error.hpp>

#ifndef BOOST_ASIO_HAS_IO_URING_AS_DEFAULT
#error "this shape needs BOOST_ASIO_HAS_IO_URING and BOOST_ASIO_DISABLE_EPOLL: see impl.cmake"
#endif

namespace reactorlab {
namespace {

/// A context makes its ring with its first timer or descriptor. Throws std::system_error with cause and remedy.
void make_a_ring() {
  try {
    asio_peer::asio::io_context context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE);
    const asio_peer::Timer timer(context);
  } catch (const boost::system::system_error& error) {
    const int number = error.code().value();
    throw std::system_error(number, std::system_category(), "asio:uring: " + uring_remedy(number));
  }
}

/// On a thread that ends: a ring that is closed interrupts a system call of its maker a moment later (EINTR).
void require_rings() { std::async(std::launch::async, make_a_ring).get(); }

class AsioUringEngine final : public asio_peer::AsioEngine {
 public:
  AsioUringEngine()
      : AsioEngine("asio:uring", "Boost.Asio on its own io_uring backend; several workers run one io_context", "uring") {}

  [[nodiscard]] std::optional<std::string> obstacle() const override {
    try {
      require_rings();
      return std::nullopt;
    } catch (const std::system_error& error) {
      return error.what();
    }
  }

  ServeReport serve(const ServeRequest& request) override {
    require_rings();
    work::requests_ask = request.requests_ask;  // this library's own
    ServeReport report = AsioEngine::serve(request);
    report.work_units = work::units_done;
    return report;
  }
};

}  // namespace

[[gnu::visibility("default")]] std::unique_ptr<Engine> make_asio_uring_engine() { return std::make_unique<AsioUringEngine>(); }

}  // namespace reactorlab
