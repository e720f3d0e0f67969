#include "harness/conformance/stranger_run.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <map>

#include "core/flavour.hpp"

namespace reactorlab::conformance {
namespace {

/// What one test was skipped for, or nothing.
std::string reason_of(const ::testing::TestResult& result) {
  for (int part = 0; part < result.total_part_count(); ++part) {
    if (const auto& one = result.GetTestPartResult(part); one.skipped()) return one.message();
  }
  return {};
}

/// One line for each reason: a skip is told apart from a pass.
void print_summary(const std::string& name) {
  unsigned passed = 0, failed = 0;
  std::map<std::string, unsigned> skipped;
  const auto& run = *::testing::UnitTest::GetInstance();
  for (int s = 0; s < run.total_test_suite_count(); ++s) {
    const auto& suite = *run.GetTestSuite(s);
    for (int t = 0; t < suite.total_test_count(); ++t) {
      const auto& result = *suite.GetTestInfo(t)->result();
      if (result.Failed()) {
        ++failed;
      } else if (result.Skipped()) {
        ++skipped[reason_of(result)];
      } else {
        ++passed;
      }
    }
  }
  fmt::print("{}: {} passed, {} failed\n", name, passed, failed);
  for (const auto& [reason, count] : skipped) fmt::print("  {} skipped: {}\n", count, reason);
}

}  // namespace

Configuration configuration_of(const std::string& variant, const Subject& subject) {
  return {variant, subject.name, subject.options, subject.capabilities, subject.make};
}

int run_strangers(const std::string& name, const Selection& selection, const std::vector<Configuration>& configurations,
                  bool listing) {
  if (register_tests(selection, configurations) == 0) {
    fmt::print(stderr, "no body of the kit matches --rule={} --body={}; --list shows what there is\n", selection.rule,
               selection.body);
    return exit_no_match;
  }
  if (listing) {
    ::testing::GTEST_FLAG(list_tests) = true;
    return RUN_ALL_TESTS();
  }
  seams_available = false;
  prepare_process();
  Patience patience;
#if REACTORLAB_SANITIZED
  patience.watchdog *= 4;
#endif
  Quiescence::start(patience);
  const int status = RUN_ALL_TESTS();
  print_summary(name);
  return status;
}

}  // namespace reactorlab::conformance
