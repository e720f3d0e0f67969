// bench calibrate: its file, and what it refuses. No figure is judged.
#include "harness/bench/calibrate_verb.hpp"

#include "harness/bench/captured_program.hpp"
#include "harness/bench/usage.hpp"
#include "harness/primitives/catalogue.hpp"
#include "harness/primitives/primitive.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace reactorlab::bench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

class Calibrate : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  int calibrate(std::vector<std::string> words) {
    words.insert(words.begin(), {"calibrate", "--seconds=0.0001"});
    const CapturedEnd end = run_captured(std::move(words));
    output_ = end.output;
    errors_ = end.errors;
    return end.status;
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / ("reactorlab-calibrate-" + std::to_string(::getpid()));
  const fs::path file_ = folder_ / "primitives.json";
  const std::string out_ = "--out=" + file_.string();
  std::string output_, errors_;
};

TEST_F(Calibrate, WritesATableThatExplainReads) {
  ASSERT_EQ(calibrate({out_}), kExitOk) << errors_;
  const json file = json::parse(std::ifstream(file_));
  EXPECT_TRUE(file.at("machine").contains("cpu_model"));
  EXPECT_TRUE(file.at("build").contains("commit"));
  EXPECT_TRUE(file.at("cpus").contains("other"));
  const auto table = primitives::table_from_json(file, file_);
  ASSERT_EQ(table.primitives.size(), primitives::catalogue().size());
  EXPECT_EQ(table.machine, file.at("machine"));
  for (const auto& known : primitives::catalogue()) {
    const auto* const one = table.find(known.name);
    ASSERT_NE(one, nullptr) << known.name;
    EXPECT_THAT(output_, HasSubstr(one->measured() ? std::string(known.summary) : one->not_measured));
  }
  EXPECT_EQ(files(), 1U) << "nothing beside it";
}

TEST_F(Calibrate, DoesNotReplaceAFileUnasked) {
  std::ofstream(file_) << "mine";
  EXPECT_EQ(calibrate({out_}), kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("--force"));
  EXPECT_EQ(fs::file_size(file_), 4U);
  EXPECT_EQ(calibrate({out_, "--force"}), kExitOk);
  EXPECT_GT(fs::file_size(file_), 4U);
}

TEST_F(Calibrate, RefusesWhatItCannotDoBeforeItMeasures) {
  EXPECT_EQ(calibrate({"--out=" + folder_.string()}), kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("is a folder"));
  EXPECT_EQ(calibrate({"--out=" + (folder_ / "nowhere" / "x.json").string()}), kExitFailure);
  EXPECT_THAT(errors_, HasSubstr("Choose another with --out=FILE"));
  EXPECT_EQ(calibrate({"--secconds=1"}), kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("did you mean '--seconds'?"));
  EXPECT_EQ(calibrate({out_, "--seconds=0"}), kExitUsage);
  EXPECT_EQ(files(), 0U);
}

}  // namespace
}  // namespace reactorlab::bench
