#include "harness/load/open_load.hpp"

#include "harness/load/loop.hpp"
#include "harness/measure/process_setup.hpp"

#include <stdexcept>
#include <system_error>
#include <vector>

namespace reactorlab::load {
namespace {

/// A connection's bytes as messages.
class OpenConnection {
 public:
  OpenConnection(int fd, std::size_t number, const Stream& stream)
      : socket_(fd, number, stream.pattern), next_sent_(stream.payload), next_answered_(stream.payload) {}

  void admit(const Stream& stream) { socket_.admit(stream.payload); }
  [[nodiscard]] bool sending() const { return socket_.sending(); }
  [[nodiscard]] bool idle() const { return socket_.idle(); }

  /// Sends what it can. Returns the messages whose last byte went, or nothing after an error.
  [[nodiscard]] std::optional<std::size_t> send(Stream& stream) {
    if (!socket_.send_admitted(stream)) return std::nullopt;
    return count(socket_.sent(), next_sent_, stream);
  }

  /// Receives once. Returns the messages whose last byte came, or nothing after an error; `more` where there may be more bytes.
  [[nodiscard]] std::optional<std::size_t> receive(Stream& stream, bool& more) {
    const auto size = socket_.receive(stream);
    if (!size) return std::nullopt;
    more = *size == Pattern::kRun;
    return count(socket_.received(), next_answered_, stream);
  }

 private:
  static std::size_t count(std::uint64_t bytes, std::uint64_t& next_end, const Stream& stream) {
    std::size_t messages = 0;
    for (; bytes >= next_end; next_end += stream.payload) ++messages;
    return messages;
  }

  CheckedSocket socket_;
  std::uint64_t next_sent_;      ///< of the bytes sent: where the oldest message that wasn't ends
  std::uint64_t next_answered_;  ///< of the bytes received: where the oldest unanswered message ends
};

/// Unlike the closed loops it is busy while the window opens and closes: it waits for nobody.
class OpenLoad final : public Loop {
 public:
  explicit OpenLoad(const OpenLoadOptions& options)
      : Loop(options),
        window_is_all_(options.window_is_all),
        window_{nanoseconds(options.warmup), nanoseconds(options.warmup + options.duration)},
        loop_(schedule_of(options.arrivals, options.rate, window_.to_ns, options.seed), options.conns, window_) {}

  /// To be called after the run.
  void add_to(OpenLoadResult& result) {
    result.tally = loop_.finish(ended_ns_);
    result.window_ns = window_.to_ns - window_.from_ns;
  }

 private:
  enum class Phase { Greeting, Warmup, Window, Drain };

  void steps() override {
    if (!connect_all(connections_) || !greet()) return;
    phase_ = Phase::Warmup;
    if (window_is_all_) begin_window();
    start_ns_ = now_ns();
    while (pass()) {
    }
    ended_ns_ = since_start();
    if (window_is_all_ && phase_ == Phase::Drain) close_window();
  }

  void begin_window() {
    phase_ = Phase::Window;
    open_window();
  }

  /// A message and its answer on each connection. What a connection has admitted goes as soon as it is writable.
  bool greet() {
    for (OpenConnection& connection : connections_) connection.admit(stream_);
    return run_until([&](std::uint64_t) { return all_idle(connections_); });
  }

  [[nodiscard]] std::uint64_t since_start() const { return now_ns() - start_ns_; }

  /// Sends what is due and receives what is there. False when the run is over.
  bool pass() {
    const std::uint64_t now = since_start();
    loop_.observe(now);
    turn_phase(now);
    if (cancelled() || over(now)) return false;
    return send_due() && turn(0);
  }

  void turn_phase(std::uint64_t now) {
    if (phase_ == Phase::Warmup && now >= window_.from_ns) begin_window();
    if (phase_ == Phase::Window && now >= window_.to_ns) {
      phase_ = Phase::Drain;
      if (!window_is_all_) close_window();
    }
  }

  [[nodiscard]] bool over(std::uint64_t now) const {
    return phase_ == Phase::Drain && (loop_.finished() || now >= window_.to_ns + nanoseconds(options_.patience));
  }

  /// A message is a send, also when several are late for the same connection. After some of them answers are looked at, so that a
  /// generator that can't keep up stays slow instead of becoming blind.
  bool send_due() {
    constexpr int kBetweenLooks = 64;
    for (int i = 0; i < kBetweenLooks; ++i) {
      const auto conn = loop_.take_due();
      if (!conn) return true;
      connections_[*conn].admit(stream_);
      if (!send(*conn)) return false;
    }
    return true;
  }

  /// The stamp precedes the call, whose cost is part of the service time, as in the closed loop.
  bool send(std::size_t conn) {
    const std::uint64_t now = since_start();
    const auto messages = connections_[conn].send(stream_);
    if (!messages) return false;
    if (phase_ != Phase::Greeting)
      for (std::size_t i = 0; i < *messages; ++i) loop_.on_sent(conn, now);
    return true;
  }

  bool on_events(std::span<const epoll_event> events) override {
    loop_.on_work();
    for (const epoll_event& event : events)
      if (!receive(event.data.u64) || (connections_[event.data.u64].sending() && !send(event.data.u64))) return false;
    return true;
  }

  bool receive(std::size_t conn) {
    for (bool more = true; more;) {
      const auto messages = connections_[conn].receive(stream_, more);
      if (!messages) return false;
      if (*messages > 0) answered(conn, *messages);
    }
    return true;
  }

  void answered(std::size_t conn, std::size_t messages) {
    stream_.messages += messages;
    if (phase_ == Phase::Greeting) return;
    const std::uint64_t now = since_start();
    for (std::size_t i = 0; i < messages; ++i) loop_.on_done(conn, now);
  }

  const bool window_is_all_;
  const OpenLoop::Window window_;
  OpenLoop loop_;
  std::vector<OpenConnection> connections_;
  Phase phase_ = Phase::Greeting;
  std::uint64_t start_ns_ = 0;
  std::uint64_t ended_ns_ = 0;
};

/// Chooses the generator's CPU, and tries it, so that a refusal is a note and not the end.
void choose_cpu(OpenLoadOptions& options, OpenLoadResult& result) {
  const auto allowed = measure::allowed_cpus();
  if (!options.cpu && allowed.size() < 2) {
    result.not_pinned = "this process may use one CPU only, so the generator polls at the server's expense";
  } else if (!options.cpu) {
    try {
      measure::pin_this_thread({allowed[1]});
      measure::pin_this_thread(allowed);
      options.cpu = allowed[1];
    } catch (const std::system_error& error) {
      result.not_pinned = error.what();
    }
  }
  result.cpu = options.cpu;
}

const OpenLoadOptions& checked(const OpenLoadOptions& options) {
  if (options.duration <= std::chrono::nanoseconds(0)) throw std::invalid_argument("an open loop needs a duration above 0");
  if (options.window_is_all && options.warmup != std::chrono::nanoseconds(0))
    throw std::invalid_argument("an open loop that is all window has no warm-up: run one before it");
  return options;
}

}  // namespace

OpenLoadResult run_open_load(const OpenLoadOptions& asked) {
  OpenLoadOptions options = checked(asked);
  OpenLoadResult result;
  choose_cpu(options, result);
  OpenLoad load(options);
  LoadResult run = run_on_its_cpu(options, load);
  load.add_to(result);
  result.wall_ns = run.wall_ns;
  result.cpu_ns = run.cpu_ns;
  result.messages_total = run.messages_total;
  result.bytes_verified = run.bytes_verified;
  result.cancelled = run.cancelled;
  result.error = std::move(run.error);
  return result;
}

}  // namespace reactorlab::load
