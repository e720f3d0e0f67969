#include "impls/asio/in_process.hpp"

#include "harness/peer_kit.hpp"
#include "impls/asio/types.hpp"

#include <cerrno>
#include <optional>
#include <system_error>

#include <sys/eventfd.h>
#include <unistd.h>
#include <boost/asio/buffer.hpp>

namespace reactorlab::asio_peer {
namespace {

/// One descriptor after the other: each one's handler starts the next.
class Churn {
 public:
  explicit Churn(asio::io_context& context) : context_(context) {}

  InProcessReport run(std::uint64_t count) {
    report_ = {};
    left_ = count;
    next();
    context_.restart();
    context_.run();
    return report_;
  }

 private:
  void next() {
    const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0) throw std::system_error(errno, std::system_category(), "asio: eventfd (raise the limit of open files: ulimit -n)");
    source_.emplace(context_, fd);
    source_->async_wait(Descriptor::wait_read, [this](const error_code& error) { on_readable(error); });
    (void)!::write(fd, &left_, sizeof left_);
  }

  void on_readable(const error_code& error) {
    std::uint64_t rung = 0;
    error_code ignored;
    const bool read = source_->read_some(asio::buffer(&rung, sizeof rung), ignored) == sizeof rung;
    scenarios::verify(report_, !error && read && rung == left_);
    source_->close();
    if (--left_ != 0) next();
  }

  asio::io_context& context_;
  std::optional<Descriptor> source_;
  std::uint64_t left_ = 0;
  InProcessReport report_;
};

}  // namespace

InProcessReport reg_churn(const InProcessRequest& request) {
  asio::io_context context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE);
  Churn churn(context);
  const InProcessReport warm_up = churn.run(scenarios::warm_up_operations);
  scenarios::open_window(request);
  InProcessReport report = churn.run(request.operations);
  scenarios::close_window(request);
  report.errors += warm_up.errors;
  return report;
}

}  // namespace reactorlab::asio_peer
