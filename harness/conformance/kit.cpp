#include "harness/conformance/kit.hpp"

#include "core/process_end.hpp"
#include "harness/conformance/facilities.hpp"

namespace reactorlab::conformance {

std::vector<Body>& bodies() {
  static std::vector<Body> all;
  return all;
}

bool declare(Body body) {
  bodies().push_back(body);
  return true;
}

void RuleTest::SetUp() {
  before_ = ProcessState::now();
  const auto* const info = ::testing::UnitTest::GetInstance()->current_test_info();
  Quiescence::body_began(std::string{info->test_suite_name()} + "." + info->name());
}

void RuleTest::TearDown() {
  end_runtime();
  clock_.reset();
  simulate_end_of_process();
  Quiescence::body_ended();
  EXPECT_EQ(sync_point_observer.load(), nullptr);
  const ProcessState after = ProcessState::settled_like(before_);
  EXPECT_EQ(after.descriptors, before_.descriptors) << "descriptors leaked, or closed that weren't the body's";
  EXPECT_EQ(after.threads, before_.threads) << "threads leaked";
}

IRuntime& RuleTest::runtime() {
  if (!runtime_) runtime_ = make();
  return *runtime_;
}

std::unique_ptr<IRuntime> RuleTest::make(const RuntimeOptions& options) const {
  const Configuration& c = *configuration_;
  auto made = c.make ? c.make(options) : make_runtime(c.variant, options);
  EXPECT_EQ(made->info().backend, options.backend) << "another backend runs than was asked for";
  EXPECT_TRUE(c.make || really_runs_on(options.backend)) << "there is no ring, or no epoll: another backend runs";
  return made;
}

void RuleTest::end_runtime() {
  if (!runtime_) return;
  runtime_->shutdown(Duration::zero());
  const RuntimeStats left = runtime_->stats();
  EXPECT_EQ(left.registrations, 0u) << "handles leaked";
  EXPECT_EQ(left.waiters, 0u);
  EXPECT_EQ(left.pending_timers, 0u);
  EXPECT_EQ(left.live_tasks, 0u);
  runtime_.reset();
}

VirtualClock& RuleTest::use_virtual_time(VirtualClock::Mode mode) {
  if (runtime_) throw std::logic_error{"use_virtual_time() before runtime()"};
  return clock_.emplace(mode);
}

}  // namespace reactorlab::conformance
