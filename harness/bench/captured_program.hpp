#pragma once

#include "harness/bench/verbs.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

/// For tests: the program run in this process.
namespace reactorlab::bench {

struct CapturedEnd {
  int status;
  std::string output, errors;
};

/// `words` stand behind the program's name.
inline CapturedEnd run_captured(std::vector<std::string> words) {
  words.insert(words.begin(), "bench");
  std::vector<const char*> argv;
  for (const std::string& word : words) argv.push_back(word.c_str());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int status = run_program(static_cast<int>(argv.size()), argv.data());
  const std::string output = testing::internal::GetCapturedStdout();
  return {status, output, testing::internal::GetCapturedStderr()};
}

}  // namespace reactorlab::bench
