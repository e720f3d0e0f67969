#include "harness/bench/interrupt.hpp"

#include <csignal>

namespace reactorlab::bench {
namespace {

std::atomic<bool> g_raised = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler writes it");

void on_signal(int) { g_raised.store(true, std::memory_order_relaxed); }

void set_handler(void (*handler)(int), int flags) {
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = flags;
  ::sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM}) ::sigaction(signal, &action, nullptr);
}

}  // namespace

InterruptFlag::InterruptFlag() {
  g_raised = false;
  set_handler(on_signal, static_cast<int>(SA_RESETHAND));  // no SA_RESTART: waits end at once
}

InterruptFlag::~InterruptFlag() { set_handler(SIG_DFL, 0); }

const std::atomic<bool>& InterruptFlag::raised() noexcept { return g_raised; }

}  // namespace reactorlab::bench
