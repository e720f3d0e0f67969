#pragma once
// How a rule is written. README.md beside this file shows it.
//
//   RULE(REG_03, readable_before) { IRuntime& rt = runtime(); ... }            on the virtual form
//   BOTH_FORMS_RULE(RDY_01, real) { Rt& rt = runtime<Rt>(); ... }              the same body on both forms; Rt is the type
//
// A body is a member function of a RuleTest and runs once per configuration of its variant (and per form).

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/reactorlab.hpp"
#include "harness/conformance/configuration.hpp"
#include "harness/conformance/edge.hpp"
#include "harness/conformance/process_state.hpp"
#include "harness/conformance/quiescence.hpp"
#include "harness/conformance/real_objects.hpp"
#include "harness/conformance/script.hpp"
#include "harness/conformance/sync_points.hpp"
#include "harness/conformance/turn.hpp"
#include "harness/conformance/virtual_clock.hpp"
#include "reactorlab/homes.hpp"

namespace reactorlab {
/// For GoogleTest's messages.
inline void PrintTo(IoResult result, std::ostream* out) {
  *out << result.value() << (result ? "" : " " + result.error_code().message());
}
}  // namespace reactorlab

namespace reactorlab::conformance {

/// The fixture. Before and after each body the process has the same descriptors and threads, and the body's runtime is left
/// without registrations, waiters, timers and tasks (SHD-12).
class RuleTest : public ::testing::Test {
 public:
  void place(const Configuration& configuration, Form form) {
    configuration_ = &configuration;
    form_ = form;
  }
  const Configuration& configuration() const noexcept { return *configuration_; }
  Form form() const noexcept { return form_; }

 protected:
  /// The runtime under test, made at the first call on the calling thread, destroyed after the body.
  IRuntime& runtime();
  /// The same in the form of the body.
  template <class Rt>
  Rt& runtime() {
    return dynamic_cast<Rt&>(runtime());
  }
  /// One more runtime of this configuration, or with other options; the body's own to destroy.
  std::unique_ptr<IRuntime> make() const { return make(configuration_->options); }
  std::unique_ptr<IRuntime> make(const RuntimeOptions& options) const;
  /// Destroys the runtime under test now; runtime() then makes a new one.
  void end_runtime();

  /// Time of the test's own until the runtime is gone. Before the first runtime().
  VirtualClock& use_virtual_time(VirtualClock::Mode mode = VirtualClock::Mode::manual);

  /// One thread polls tasks and drives the reactor, and it is the one that calls block_on.
  bool confined() const noexcept { return !configuration_->capabilities.migration; }
  unsigned workers() const noexcept { return configuration_->options.workers; }
  /// One thread polls every task and takes every turn, so polls between two turns can be counted.
  bool one_thread_does_all() const noexcept { return workers() == 1 && !configuration_->capabilities.foreign_driver; }

  /// Whether a registration outlives its descriptor in the kernel, if another one keeps the file open, and whether others may end
  /// it there: epoll knows it by the descriptor, in a set that has one; a ring's poll has a name that only its owner knows.
  bool kernel_knows_descriptors() const noexcept { return configuration_->options.backend == Backend::epoll; }

  /// Whether the kernel answers through a ring.
  bool uses_ring() const noexcept { return configuration_->options.backend != Backend::epoll; }
  /// Whether a stream's bytes and a listener's connections are taken out of the kernel by the reactor, before anybody asks for
  /// them.
  bool completes() const noexcept { return configuration_->options.backend == Backend::uring; }
  /// How often a driver that waits is kicked when another thread registers something or asks for more of it: a ring shared by
  /// several threads is filled by them, and entered by who drives.
  std::size_t kicks_for_registration() const noexcept { return kernel_knows_descriptors() || confined() ? 0 : 1; }
  /// Whether a descriptor's file is closed when close() returns, and not when the thread that made a request of it has run once
  /// more.
  bool closes_at_once() const noexcept { return kernel_knows_descriptors() || confined(); }

  /// A body that reaches for a seam which the runtime under test doesn't have is skipped.
  template <class Code>
  static void run_body(Code&& code) {
    try {
      code();
    } catch (const SeamNeeded& seam) {
      GTEST_SKIP() << "needs " << seam.what();
    }
  }

  void SetUp() final;
  void TearDown() final;

 private:
  const Configuration* configuration_ = nullptr;
  Form form_ = Form::virtual_form;
  ProcessState before_;
  std::optional<VirtualClock> clock_;
  std::unique_ptr<IRuntime> runtime_;
};

/// A body as the program knows it; main.cpp makes a test of it per configuration.
struct Body {
  const char* rule;  ///< `REG_01`
  const char* name;
  const char* file;
  int line;
  Form form;
  RuleTest* (*make)();
};

std::vector<Body>& bodies();
bool declare(Body body);

/// Whether a BOTH_FORMS_RULE has a static form here. Seven instances of each body cost a build much, so only the release flavour
/// has all of them, and the others those of the chapters about what a waiter may be told (docs/decisions/0017).
constexpr bool has_static_form(std::string_view rule) noexcept {
#ifdef REACTORLAB_FEWER_STATIC_FORMS
  const std::string_view chapter = rule.substr(0, 3);
  return chapter == "SPU" || chapter == "STL" || chapter == "WBL";
#else
  return !rule.empty();
#endif
}

/// What BOTH_FORMS_RULE's static test runs: Test::body<Rt>() with the type of the configuration's runtime.
template <bool present, class Test>
void run_static_form(Test& test) {
  if constexpr (present) {
    const Configuration& c = test.configuration();
    with_runtime_type(c.variant, c.options, [&](auto type) { test.template body<typename decltype(type)::type>(); });
  }
}

}  // namespace reactorlab::conformance

/// Skips the rest of the body on variants without that capability (a member of Capabilities).
#define NEEDS(capability) \
  if (!configuration().capabilities.capability) GTEST_SKIP() << "needs " #capability

/// Likewise on backends of which the body says nothing: what only readiness knows is an edge without anything to take, or one that
/// somebody else answers first (what a ring completes is here already); what only rings know is the chapter URG.
#define NEEDS_READINESS() \
  if (completes()) GTEST_SKIP() << "needs readiness"
#define NEEDS_RING() \
  if (!uses_ring()) GTEST_SKIP() << "needs a ring"

#define RULE(rule, short_name)                                                                               \
  class rule##_##short_name final : public ::reactorlab::conformance::RuleTest {                             \
    void TestBody() override {                                                                               \
      run_body([this] { body(); });                                                                          \
    }                                                                                                        \
    void body();                                                                                             \
    static ::reactorlab::conformance::RuleTest* make_one() { return new rule##_##short_name; }               \
    static inline const bool declared = ::reactorlab::conformance::declare(                                  \
        {#rule, #short_name, __FILE__, __LINE__, ::reactorlab::conformance::Form::virtual_form, &make_one}); \
  };                                                                                                         \
  void rule##_##short_name::body()

#define BOTH_FORMS_RULE(rule, short_name)                                                                              \
  class rule##_##short_name final : public ::reactorlab::conformance::RuleTest {                                       \
   public:                                                                                                             \
    template <class Rt>                                                                                                \
    void body();                                                                                                       \
                                                                                                                       \
   private:                                                                                                            \
    using Form = ::reactorlab::conformance::Form;                                                                      \
    void TestBody() override {                                                                                         \
      run_body([this] {                                                                                                \
        if (form() == Form::virtual_form) return body<::reactorlab::IRuntime>();                                       \
        ::reactorlab::conformance::run_static_form<::reactorlab::conformance::has_static_form(#rule)>(*this);          \
      });                                                                                                              \
    }                                                                                                                  \
    static ::reactorlab::conformance::RuleTest* make_one() { return new rule##_##short_name; }                         \
    static inline const bool declared =                                                                                \
        ::reactorlab::conformance::declare({#rule, #short_name, __FILE__, __LINE__, Form::virtual_form, &make_one}) && \
        (!::reactorlab::conformance::has_static_form(#rule) ||                                                         \
         ::reactorlab::conformance::declare({#rule, #short_name, __FILE__, __LINE__, Form::static_form, &make_one}));  \
  };                                                                                                                   \
  template <class Rt>                                                                                                  \
  void rule##_##short_name::body()
