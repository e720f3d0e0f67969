// Locks, atomics and the allocator: what user code pays by itself, alone and with a rival on another CPU.

#include "harness/primitives/catalogue.hpp"
#include "harness/primitives/partner.hpp"

#include <atomic>
#include <cstdlib>
#include <mutex>

#include <benchmark/benchmark.h>

namespace reactorlab::primitives {
namespace {

struct alignas(64) Lock {
  void operator()() {
    mutex.lock();
    mutex.unlock();
  }
  std::mutex mutex;
};

struct alignas(64) Counter {
  void operator()() { value.fetch_add(1, std::memory_order_acq_rel); }
  std::atomic<std::uint64_t> value = 0;
};

template <class Shared>
std::unique_ptr<Trial> alone(const Cpus&) {
  auto operation = [shared = std::make_unique<Shared>()] { (*shared)(); };
  return std::make_unique<Loop<decltype(operation)>>(std::move(operation));
}

/// A rival does the same without pause. What an operation costs is what this thread pays, waiting in the kernel left out.
template <class Shared>
class Contended final : public Trial {
 public:
  explicit Contended(const Cpus& cpus)
      : rival_(second_cpu(cpus), [this] {
          while (!over_.load(std::memory_order_relaxed)) shared_();
        }) {}
  ~Contended() override { over_ = true; }

  Batch measure() override {
    const double cpu_before = own_cpu_ns();
    const Stopwatch watch;
    for (std::uint64_t i = 0; i < kOperations; ++i) shared_();
    const double wall_ns = watch.ns();
    return {kOperations, wall_ns, own_cpu_ns() - cpu_before};
  }

 private:
  static constexpr std::uint64_t kOperations = 512;

  Shared shared_;
  alignas(64) std::atomic<bool> over_ = false;
  Partner rival_;  // last: it uses the others
};

template <class Shared>
std::unique_ptr<Trial> contended(const Cpus& cpus) {
  return std::make_unique<Contended<Shared>>(cpus);
}

std::unique_ptr<Trial> allocation(const Cpus&) {
  auto operation = [] {
    void* memory = std::malloc(64);
    benchmark::DoNotOptimize(memory);
    std::free(memory);
  };
  return std::make_unique<Loop<decltype(operation)>>(operation);
}

}  // namespace

std::vector<Known> memory_trials() {
  return {
      {"mutex", "lock and unlock of a std::mutex that nobody else wants", alone<Lock>},
      {"mutex_contended", "the same while a thread on another CPU does nothing else", contended<Lock>},
      {"atomic_rmw", "fetch_add on a cache line of one's own", alone<Counter>},
      {"atomic_rmw_bounce", "the same while a thread on another CPU does nothing else", contended<Counter>},
      {"malloc_free", "malloc and free of 64 B", allocation},
  };
}

}  // namespace reactorlab::primitives
