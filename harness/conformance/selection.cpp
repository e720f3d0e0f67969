#include "harness/conformance/selection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace reactorlab::conformance {
namespace {

/// REG_01 of REG-01.
std::string identifier_of(std::string rule) {
  std::ranges::replace(rule, '-', '_');
  return rule;
}

}  // namespace

bool Selection::matches(const Body& candidate, const Configuration& c) const {
  const auto fits = [](const std::string& wanted, std::string_view is) { return wanted.empty() || wanted == is; };
  return fits(variant, c.variant) && fits(configuration, c.label) && fits(identifier_of(rule), candidate.rule) &&
         fits(body, candidate.name) && applies(candidate.rule, c.variant) &&
         !(c.make && candidate.form == Form::static_form);  // somebody else's type is known to nobody here
}

std::string_view Selection::backend_name() const noexcept {
  if (!backend.empty()) return backend;
  return name_of(rule.starts_with("URG-") ? Backend::uring : Backend::epoll);
}

std::string Selection::describe() const {
  std::string text = fmt::format("--variant={} --backend={} --rule={}", variant, backend_name(), rule);
  if (!configuration.empty()) text += " --configuration=" + configuration;
  if (!body.empty()) text += " --body=" + body;
  return text;
}

std::string test_name(const Body& body, const Configuration& c) {
  return fmt::format("{}/{}/{}", body.name, c.label, body.form == Form::virtual_form ? "virtual" : "static");
}

std::size_t register_tests(const Selection& selection, const std::vector<Configuration>& configurations) {
  std::size_t count = 0;
  for (const Body& body : bodies()) {
    for (const Configuration& c : configurations) {
      if (!selection.matches(body, c)) continue;
      const auto make = [&body, &c]() -> RuleTest* {
        RuleTest* const test = body.make();
        test->place(c, body.form);
        return test;
      };
      ::testing::RegisterTest(body.rule, test_name(body, c).c_str(), nullptr, nullptr, body.file, body.line, make);
      ++count;
    }
  }
  return count;
}

std::vector<std::string> skipped_bodies() {
  std::map<std::string, bool> all_skipped;
  const auto& run = *::testing::UnitTest::GetInstance();
  for (int s = 0; s < run.total_test_suite_count(); ++s) {
    const auto& suite = *run.GetTestSuite(s);
    for (int t = 0; t < suite.total_test_count(); ++t) {
      const auto& test = *suite.GetTestInfo(t);
      if (!test.should_run()) continue;
      const std::string full = test.name();
      const std::string body = fmt::format("{}.{}", suite.name(), full.substr(0, full.find('/')));
      const bool skipped = test.result()->Skipped();
      all_skipped[body] = skipped && (!all_skipped.contains(body) || all_skipped[body]);
    }
  }
  std::vector<std::string> skipped;
  for (const auto& [body, all] : all_skipped) {
    if (all) skipped.push_back(body);
  }
  return skipped;
}

}  // namespace reactorlab::conformance
