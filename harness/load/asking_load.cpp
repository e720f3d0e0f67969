#include "harness/load/asking_load.hpp"

#include "harness/scenarios/work.hpp"

#include <stdexcept>

#include <fmt/format.h>

namespace reactorlab::load {
namespace {

const LoadOptions& checked(const LoadOptions& options) {
  constexpr std::size_t kMostPayload = 1024;  // in one piece, whatever the server's buffer
  if (options.payload < sizeof(work::Request) || options.payload > kMostPayload)
    throw std::invalid_argument(fmt::format("a request that asks for work has {} to {} bytes, not {}", sizeof(work::Request),
                                            kMostPayload, options.payload));
  if (options.work > work::kMostUnits)
    throw std::invalid_argument(
        fmt::format("a request can ask for {} units of work at most, not {}", work::kMostUnits, options.work));
  return options;
}

}  // namespace

AskingLoad::AskingLoad(const LoadOptions& options) : Loop(checked(options)) {}

void AskingLoad::steps() {
  if (!connect_all(connections_) || !ask_for(options_.warmup)) return;
  open_window();
  if (ask_for(options_.duration)) close_window();
}

void AskingLoad::record(std::uint64_t due_ns, std::uint64_t now) {
  if (!stream_.in_window) return;
  ++stream_.ops;
  stream_.latency.record(now - due_ns);
}

bool AskingLoad::on_events(std::span<const epoll_event> events) {
  for (const epoll_event& event : events) {
    const std::size_t number = event.data.u64;
    switch (connections_[number].on_ready(stream_)) {
      case AskingConnection::Answer::None: break;
      case AskingConnection::Answer::Wrong: return false;
      case AskingConnection::Answer::Whole:
        if (!on_answer(number, now_ns())) return false;
    }
  }
  return true;
}

/// SplitMix64 (Steele, Lea and Flood).
double Draw::next() noexcept {
  std::uint64_t x = state_ += 0x9E3779B97F4A7C15;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
  x = (x ^ x >> 27) * 0x94D049BB133111EB;
  return static_cast<double>((x ^ x >> 31) >> 11) * 0x1p-53;
}

}  // namespace reactorlab::load
