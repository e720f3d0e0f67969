#include "harness/adapters/asio/loop.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <mutex>
#include <optional>
#include <unordered_map>

#include "core/join.hpp"

namespace reactorlab::adapters {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

/// The latest that a time_point can say stands for "never".
std::chrono::steady_clock::time_point time_of(TimePoint deadline) noexcept {
  constexpr std::uint64_t last = std::chrono::steady_clock::duration::max().count();
  return std::chrono::steady_clock::time_point{Duration{std::min(nanoseconds_of(deadline), last)}};
}

class AsioLoop final : public Loop {
 public:
  /// Asio opens its epoll, timer and wake-up descriptors with the first object that needs them; here they come with the runtime.
  AsioLoop() { const Descriptor first{*context_}; }

  IoResult open(int fd, Token token) noexcept override {
    const auto source = std::make_shared<Source>(*context_, token);
    error_code error;
    source->descriptor.assign(fd, error);
    if (error) return -error.value();
    const std::lock_guard lock{mutex_};
    sources_.emplace(token, source);
    return 0;
  }

  IoResult watch(Token token, Direction direction) noexcept override {
    const std::lock_guard lock{mutex_};
    const auto found = sources_.find(token);
    if (found == sources_.end()) return 0;
    const std::shared_ptr<Source>& source = found->second;
    bool& waits = source->waits[static_cast<unsigned>(direction)];
    if (std::exchange(waits, true)) return 0;
    source->descriptor.async_wait(direction == Direction::read ? Descriptor::wait_read : Descriptor::wait_write,
                                  [this, source, direction](error_code error) { waited(*source, direction, error); });
    return 0;
  }

  void forget(Token token) noexcept override {
    const std::lock_guard lock{mutex_};
    const auto found = sources_.find(token);
    if (found == sources_.end()) return;
    found->second->descriptor.release();  // its waits end with operation_aborted
    sources_.erase(found);
  }

  IoResult start_timer(Timer& timer, TimePoint deadline) noexcept override {
    const std::lock_guard lock{mutex_};
    const auto pending = std::make_shared<Pending>(*context_, timer);
    timers_.insert_or_assign(&timer, pending);
    pending->peer.expires_at(time_of(deadline));
    pending->peer.async_wait([this, pending](error_code) { expired(pending); });
    return 0;
  }

  void stop_timer(Timer& timer) noexcept override {
    const std::lock_guard lock{mutex_};
    const auto found = timers_.find(&timer);
    if (found == timers_.end()) return;
    found->second->peer.cancel();
    timers_.erase(found);
  }

  std::size_t pending_timers() noexcept override {
    const std::lock_guard lock{mutex_};
    return timers_.size();
  }

  void refuse_timers() noexcept override {
    WakeBatch batch;
    {
      const std::lock_guard lock{mutex_};
      for (const auto& [timer, pending] : timers_) {
        pending->peer.cancel();
        refuse(pending->timer, batch);
      }
      timers_.clear();
    }
    batch.deliver_anywhere();
  }

  void post(TaskHeader& task) noexcept override {
    asio::post(*context_, [this, &task] { sink().poll(task); });
  }

  void run_until_done(const TaskHeader& root) noexcept override {
    while (!join::is_done(root)) context_->run_one();
  }
  void run_ready() noexcept override { context_->poll(); }
  void run() noexcept override { context_->run(); }
  void stop() noexcept override { context_->stop(); }

  void close() noexcept override {
    {
      const std::lock_guard lock{mutex_};
      for (auto& [token, source] : sources_) source->descriptor.release();
      sources_.clear();
      timers_.clear();
    }
    work_.reset();
    context_.reset();
  }

 private:
  using Executor = asio::io_context::executor_type;
  using Descriptor = asio::posix::stream_descriptor::rebind_executor<Executor>::other;

  struct Source {
    Source(asio::io_context& context, Token t) : descriptor{context}, token{t} {}
    Descriptor descriptor;
    const Token token;
    bool waits[direction_count] = {};
  };
  struct Pending {
    Pending(asio::io_context& context, Timer& t) : peer{context}, timer{t} {}
    asio::steady_timer::rebind_executor<Executor>::other peer;
    Timer& timer;
  };

  void waited(Source& source, Direction direction, error_code error) noexcept {
    {
      const std::lock_guard lock{mutex_};
      source.waits[static_cast<unsigned>(direction)] = false;  // who parks from here on begins a wait of its own
    }
    if (error == asio::error::operation_aborted) return;
    const std::uint32_t done = direction == Direction::read ? EPOLLIN : EPOLLOUT;
    sink().ready(source.token, done);  // an error is the next attempt's to find
  }

  void expired(const std::shared_ptr<Pending>& pending) noexcept {
    WakeBatch batch;
    {
      const std::lock_guard lock{mutex_};
      const auto found = timers_.find(&pending->timer);
      if (found == timers_.end() || found->second != pending) return;  // stopped: cancel() came too late for this handler
      timers_.erase(found);
      fire(pending->timer, batch);
    }
    batch.deliver_anywhere();
  }

  std::optional<asio::io_context> context_{std::in_place};
  std::optional<asio::executor_work_guard<Executor>> work_{context_->get_executor()};  // run() waits for more

  std::mutex mutex_;
  std::unordered_map<Token, std::shared_ptr<Source>> sources_;
  std::unordered_map<const Timer*, std::shared_ptr<Pending>> timers_;
};

}  // namespace

std::unique_ptr<Loop> make_asio_loop() { return std::make_unique<AsioLoop>(); }

}  // namespace reactorlab::adapters
