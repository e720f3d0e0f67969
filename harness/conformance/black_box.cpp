#include "harness/conformance/black_box.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <map>

#include "core/flavour.hpp"
#include "harness/conformance/selection.hpp"

namespace reactorlab::conformance {
namespace {

constexpr int exit_usage = 2;

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

int run(const Subject& subject, const Selection& selection, bool listing) {
  const std::vector<Configuration> configurations{
      {subject.name, subject.name, subject.options, subject.capabilities, subject.make}};
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
  print_summary(subject.name);
  return status;
}

}  // namespace

int run_black_box(int argc, char** argv, const Subject& subject) {
  ::testing::InitGoogleTest(&argc, argv);
  Selection selection;
  bool listing = false;
  CLI::App app{"The rules of reactorlab that can be asked of any runtime, against " + subject.name};
  app.add_option("--rule", selection.rule, "such as REG-07");
  app.add_option("--body", selection.body, "short name of one body");
  app.add_flag("--list", listing, "print the tests and don't run them");
  try {
    app.parse(argc, argv);
    return run(subject, selection, listing);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_usage;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", subject.name, error.what());
    return exit_usage;
  }
}

}  // namespace reactorlab::conformance
