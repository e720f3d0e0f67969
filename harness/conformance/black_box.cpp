#include "harness/conformance/black_box.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <CLI/CLI.hpp>

#include "harness/conformance/stranger_run.hpp"

namespace reactorlab::conformance {
namespace {

constexpr int exit_usage = 2;

int run(const Subject& subject, const Selection& selection, bool listing) {
  return run_strangers(subject.name, selection, {configuration_of(subject.name, subject)}, listing);
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
