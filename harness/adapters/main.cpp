#include "harness/adapters/main.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "core/error.hpp"
#include "harness/conformance/child_run.hpp"
#include "harness/conformance/stranger_run.hpp"

namespace reactorlab::adapters {
namespace {

using namespace conformance;

constexpr int exit_usage = 2;

/// What the list says of that rule: its explanation, or nothing.
std::string listed_deviation(const std::string& list, const std::string& peer, const std::string& rule) {
  std::ifstream file{list};
  if (!file) throw UsageError{"can't read the list of deviations " + list};
  for (std::string line; std::getline(file, line);) {
    std::istringstream words{line};
    std::string first, second, explanation;
    words >> first >> second >> std::ws;
    std::getline(words, explanation);
    if (first == peer && second == rule) return explanation;
  }
  return {};
}

/// A deviation may hang or crash the process, so it runs in a child; it must show still.
int expect_deviation(const Selection& selection, const std::string& explanation) {
  const Ending ending = run_child({"/proc/self/exe", "--rule=" + selection.rule, "--as-is"});
  const std::string how = verdict(ending);
  if (how.empty()) {
    fmt::print("{} deviates from {} no more: take its line out of deviations.txt\n", selection.variant, selection.rule);
    return 1;
  }
  fmt::print("{} deviates from {} as listed ({}): {}\n{}\n", selection.variant, selection.rule, how, explanation, ending.said);
  return 0;
}

int run_selection(const Selection& selection, const std::vector<Configuration>& configurations, bool listing) {
  const int status = run_strangers(selection.variant, selection, configurations, listing);
  if (status != 0 || listing) return status;
  const auto& run = *::testing::UnitTest::GetInstance();
  return run.skipped_test_count() == run.test_to_run_count() ? exit_skipped : 0;
}

}  // namespace

int run_peer(int argc, char** argv, const std::string& peer, const std::vector<Subject>& subjects) {
  ::testing::InitGoogleTest(&argc, argv);
  Selection selection;
  selection.variant = peer;
  selection.backend = "epoll";
  bool listing = false, as_is = false;
  std::string list = REACTORLAB_DEVIATIONS;
  CLI::App app{"The rules of docs/SPEC.md that can be asked of any runtime, on an adapter that makes one of " + peer};
  app.add_option("--backend", selection.backend, "epoll, which is what the peer waits with")
      ->capture_default_str()
      ->check(CLI::IsMember({"epoll"}));
  app.add_option("--rule", selection.rule, "such as REG-07");
  app.add_option("--configuration", selection.configuration, "label such as " + subjects.front().name);
  app.add_option("--body", selection.body, "short name of one body");
  app.add_option("--deviations", list, "the list of known deviations")->capture_default_str();
  app.add_flag("--as-is", as_is, "fail where the peer deviates, also as listed");
  app.add_flag("--list", listing, "print the tests and don't run them");
  std::vector<Configuration> configurations;
  std::ranges::transform(subjects, std::back_inserter(configurations),
                         [&](const Subject& subject) { return configuration_of(peer, subject); });
  try {
    app.parse(argc, argv);
    const bool whole_rule = !selection.rule.empty() && selection.body.empty() && selection.configuration.empty();
    const std::string explanation = whole_rule && !as_is ? listed_deviation(list, peer, selection.rule) : "";
    return explanation.empty() ? run_selection(selection, configurations, listing) : expect_deviation(selection, explanation);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_usage;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", peer, error.what());
    return exit_usage;
  }
}

}  // namespace reactorlab::adapters
