#pragma once

#include "harness/bench/verbs.hpp"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace reactorlab::bench {

/// Runs the program inside the test. -> its exit status; `out` and `err` are what it printed.
inline int run_captured(std::vector<std::string> words, std::string& out, std::string& err) {
  words.insert(words.begin(), "bench");
  std::vector<const char*> argv;
  for (const std::string& word : words) argv.push_back(word.c_str());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int status = run_program(static_cast<int>(argv.size()), argv.data());
  out = testing::internal::GetCapturedStdout();
  err = testing::internal::GetCapturedStderr();
  return status;
}

}  // namespace reactorlab::bench
