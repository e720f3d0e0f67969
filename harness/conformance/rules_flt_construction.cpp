// FLT: a runtime that can't be made.

#include <map>

#include "core/process_end.hpp"
#include "harness/conformance/kit.hpp"
#include "harness/conformance/no_memory.hpp"

namespace reactorlab::conformance {
namespace {

/// What a runtime is made of, and how the kernel refuses it.
const std::map<sys::Op, int> resources = {
    {sys::Op::epoll_create1, EMFILE}, {sys::Op::eventfd, ENFILE},  {sys::Op::epoll_ctl, ENOSPC},
    {sys::Op::mmap, ENOMEM},          {sys::Op::mprotect, ENOMEM}, {sys::Op::clone, EAGAIN},
};

/// Refuses the call number n for a resource, of whatever kind, and keeps account of address space.
class Refusal {
 public:
  explicit Refusal(Script& script) {
    for (const auto& [op, error] : resources) {
      script.on(op, Script::any_fd, [this](sys::Call& call) { return ask(call); });
    }
    script.on(sys::Op::munmap, Script::any_fd, [this](sys::Call& call) {
      mapped_ -= call.size;
      return std::optional<long>{};
    });
  }

  void begin(unsigned n) noexcept {
    left_ = n;
    refused_.reset();
  }
  void end() noexcept { left_ = 0; }
  std::optional<sys::Op> refused() const noexcept { return refused_; }
  std::size_t mapped() const noexcept { return mapped_; }

 private:
  std::optional<long> ask(const sys::Call& call) noexcept {
    if (left_ != 0 && --left_ == 0) {
      refused_ = call.op;
      return -resources.at(call.op);
    }
    if (call.op == sys::Op::mmap) mapped_ += call.size;
    return std::nullopt;
  }

  unsigned left_ = 0;  // a runtime is made by one thread
  std::optional<sys::Op> refused_;
  std::size_t mapped_ = 0;
};

void expect_as_before(const ProcessState& before) {
  simulate_end_of_process();  // oncelock_global: the reactor that outlives its runtimes, if it came to that
  const ProcessState after = ProcessState::settled_like(before);
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_EQ(after.threads, before.threads);
}

void expect_it_works(IRuntime& rt) {
  rt.block_on([](IRuntime& runtime) -> Task<> {
    Pair pair = socket_pair();
    auto handle = AsyncFd::borrow(runtime, pair.ours.get());
    put(pair.peer.get(), "x");
    EXPECT_EQ(co_await next_edge<Direction::read>(handle), IoResult{0});
    EXPECT_EQ(co_await sleep(runtime, Duration{1}), IoResult{0});
  }(rt));
}

}  // namespace

// --- FLT-05 -------------------------------------------------------------------------------------------------------------------

RULE(FLT_05, nth_resource_refused) {
  std::optional<Refusal> refusal;
  std::vector<std::unique_ptr<Slab>> ranges;
  Script script{sys::Op::mmap};
  take_spare_ranges(script, ranges);
  refusal.emplace(script);
  const ProcessState before = ProcessState::now();
  std::map<sys::Op, unsigned> seen;
  std::unique_ptr<IRuntime> made;
  for (unsigned n = 1; !made; ++n) {
    ASSERT_LT(n, 100u) << "there is no end of resources";
    const std::size_t mapped = refusal->mapped();
    refusal->begin(n);
    try {
      made = make();
      EXPECT_FALSE(refusal->refused()) << "made without what it asked for";
    } catch (const std::bad_alloc&) {
      EXPECT_EQ(resources.at(refusal->refused().value()), ENOMEM);
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code().value(), resources.at(refusal->refused().value())) << error.what();
    }
    refusal->end();
    if (made) break;
    ++seen[*refusal->refused()];
    expect_as_before(before);
    // What was taken into use stays, for the next reactor.
    const std::size_t left = (refusal->mapped() - mapped) / Slab::range_bytes;
    EXPECT_EQ(take_spare_ranges(script, ranges), left) << "address space leaked with resource " << n;
  }
  for (const auto& [op, error] : resources) {
    if (op == sys::Op::clone && confined()) continue;
    EXPECT_NE(seen[op], 0u) << "a resource of kind " << static_cast<int>(op) << " wasn't asked for";
  }
  expect_it_works(*made);
  made.reset();
  expect_as_before(before);
}

RULE(FLT_05, nth_allocation_refused) {
  const ProcessState before = ProcessState::now();
  std::unique_ptr<IRuntime> made;
  const unsigned failed = each_allocation_fails([&] { made = make(); },
                                                [&](unsigned n, bool threw) {
                                                  EXPECT_EQ(made == nullptr, threw) << "allocation " << n;
                                                  if (threw) expect_as_before(before);
                                                });
  EXPECT_GE(failed, 2u);
  ASSERT_TRUE(made);
  expect_it_works(*made);
}

/// The first runtime of the process is there, and is none the worse for it.
RULE(FLT_05, beside_a_living_one) {
  NEEDS(several_per_thread);
  std::optional<Refusal> refusal;
  Script script;
  IRuntime& first = runtime();
  expect_it_works(first);
  refusal.emplace(script);
  const ProcessState before = ProcessState::now();
  std::unique_ptr<IRuntime> second;
  for (unsigned n = 1; !second; ++n) {
    ASSERT_LT(n, 100u);
    refusal->begin(n);
    try {
      second = make();
      refusal->end();
    } catch (const std::exception&) {
      refusal->end();
      EXPECT_TRUE(refusal->refused());
      const ProcessState after = ProcessState::settled_like(before);
      EXPECT_EQ(after.descriptors, before.descriptors);
      EXPECT_EQ(after.threads, before.threads);
      expect_it_works(first);
    }
  }
  expect_it_works(*second);
  expect_it_works(first);
}

}  // namespace reactorlab::conformance
