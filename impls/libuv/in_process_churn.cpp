#include "impls/libuv/in_process.hpp"

#include "harness/peer_kit.hpp"
#include "impls/libuv/loop.hpp"

#include <cerrno>

#include <sys/eventfd.h>
#include <unistd.h>

namespace reactorlab::libuv_peer {
namespace {

/// One descriptor after the other: each one's close callback starts the next.
class Churn {
 public:
  explicit Churn(uv_loop_t* loop) : loop_(loop) {}

  InProcessReport run(std::uint64_t count) {
    report_ = {};
    left_ = count;
    next();
    uv_run(loop_, UV_RUN_DEFAULT);
    return report_;
  }

 private:
  static Churn& of(void* handle) { return *static_cast<Churn*>(handle_of(handle)->data); }

  void next() {
    fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    check(fd_ < 0 ? -errno : 0, "eventfd (raise the limit of open files: ulimit -n)");
    check(uv_poll_init(loop_, &source_, fd_), "uv_poll_init");
    source_.data = this;
    check(uv_poll_start(&source_, UV_READABLE, on_readable), "uv_poll_start");
    (void)!::write(fd_, &left_, sizeof left_);
  }

  static void on_readable(uv_poll_t* source, int status, int events) {
    Churn& self = of(source);
    std::uint64_t rung = 0;
    const bool read = ::read(self.fd_, &rung, sizeof rung) == sizeof rung;
    scenarios::verify(self.report_, status == 0 && events == UV_READABLE && read && rung == self.left_);
    uv_close(handle_of(source), on_closed);
  }

  static void on_closed(uv_handle_t* source) {
    Churn& self = of(source);
    ::close(self.fd_);
    if (--self.left_ != 0) self.next();
  }

  uv_loop_t* loop_;
  uv_poll_t source_;
  int fd_ = -1;
  std::uint64_t left_ = 0;
  InProcessReport report_;
};

}  // namespace

InProcessReport reg_churn(const InProcessRequest& request) {
  Loop loop(nullptr);
  Churn churn(loop.get());
  const InProcessReport warm_up = churn.run(scenarios::warm_up_operations);
  scenarios::open_window(request);
  InProcessReport report = churn.run(request.operations);
  scenarios::close_window(request);
  report.errors += warm_up.errors;
  return report;
}

}  // namespace reactorlab::libuv_peer
