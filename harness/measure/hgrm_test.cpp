#include "harness/measure/hgrm.hpp"

#include <fstream>
#include <random>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

namespace reactorlab::measure {
namespace {

namespace fs = std::filesystem;

struct Row {
  double us, fraction, total, inverse;
};

struct Parsed {
  std::vector<Row> rows;
  double mean = -1, deviation = -1, max = -1, total = -1, buckets = -1, sub_buckets = -1;
};

/// Reads what a plotter would read, and refuses anything else.
Parsed parse(const std::string& text) {
  Parsed parsed;
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  std::istringstream header(line);
  const std::vector<std::string> names{std::istream_iterator<std::string>(header), {}};
  EXPECT_EQ(names, (std::vector<std::string>{"Value", "Percentile", "TotalCount", "1/(1-Percentile)"}));
  std::getline(lines, line);
  EXPECT_EQ(line, "");
  const std::regex footer(R"(#\[(\w+) *= *([\d.]+), (\w+(?: count)?) *= *([\d.]+)\])");
  while (std::getline(lines, line)) {
    if (std::smatch match; std::regex_match(line, match, footer)) {
      const double first = std::stod(match[2]), second = std::stod(match[4]);
      if (match[1] == "Mean" && match[3] == "StdDeviation") parsed.mean = first, parsed.deviation = second;
      if (match[1] == "Max" && match[3] == "Total count") parsed.max = first, parsed.total = second;
      if (match[1] == "Buckets" && match[3] == "SubBuckets") parsed.buckets = first, parsed.sub_buckets = second;
      continue;
    }
    std::istringstream fields(line);
    std::string us, fraction, total, inverse, more;
    EXPECT_TRUE(fields >> us >> fraction >> total >> inverse) << line;
    EXPECT_FALSE(fields >> more) << line;
    parsed.rows.push_back({std::stod(us), std::stod(fraction), std::stod(total), std::stod(inverse)});
  }
  return parsed;
}

Histogram some_latencies(int count) {
  std::mt19937_64 random(5);
  std::lognormal_distribution<double> latency(11, 1.2);
  Histogram histogram;
  for (int i = 0; i < count; ++i) histogram.record(static_cast<std::uint64_t>(latency(random)));
  return histogram;
}

TEST(Hgrm, ReadBackItIsTheHistogram) {
  const Histogram histogram = some_latencies(20000);
  const Parsed parsed = parse(hgrm_text(histogram));
  EXPECT_EQ(parsed.total, 20000);
  EXPECT_NEAR(parsed.mean, histogram.mean() / 1000, 0.001);
  EXPECT_NEAR(parsed.deviation, histogram.standard_deviation() / 1000, 0.001);
  EXPECT_NEAR(parsed.max, static_cast<double>(histogram.max()) / 1000, 0.001);
  EXPECT_EQ(parsed.buckets, 30);
  EXPECT_EQ(parsed.sub_buckets, 2048);

  ASSERT_GT(parsed.rows.size(), 50U);
  for (std::size_t i = 0; i + 1 < parsed.rows.size(); ++i) {
    const Row &row = parsed.rows[i], &next = parsed.rows[i + 1];
    EXPECT_LE(row.us, next.us);
    EXPECT_LT(row.fraction, next.fraction);
    EXPECT_LE(row.total, next.total);
    EXPECT_NEAR(row.inverse * (1 - row.fraction), 1, 0.01);
    EXPECT_GE(row.total / 20000, row.fraction - 1e-9) << "that many values at least aren't above the row's";
    if (row.fraction > 0) {
      const auto expected = static_cast<double>(histogram.percentile(row.fraction));
      EXPECT_NEAR(row.us * 1000, expected, 1) << row.fraction;
    }
  }
  EXPECT_EQ(parsed.rows.front().fraction, 0);
  EXPECT_EQ(parsed.rows.back().fraction, 1);
  EXPECT_EQ(parsed.rows.back().total, 20000);
  EXPECT_NEAR(parsed.rows.back().us, parsed.max, 0.001);
}

TEST(Hgrm, NothingAndOneValueAreFilesToo) {
  const Parsed nothing = parse(hgrm_text(Histogram()));
  EXPECT_TRUE(nothing.rows.empty());
  EXPECT_EQ(nothing.total, 0);
  Histogram histogram;
  histogram.record(1234);
  const Parsed one = parse(hgrm_text(histogram));
  ASSERT_EQ(one.rows.size(), 2U);
  EXPECT_EQ(one.rows[0].us, 1.234);
  EXPECT_EQ(one.rows[1].total, 1);
  EXPECT_EQ(one.total, 1);
}

TEST(Hgrm, FilesAreWholeAndNamedByTheirHistogram) {
  const fs::path folder = fs::path(testing::TempDir()) / ("reactorlab-hgrm-" + std::to_string(::getpid()));
  fs::create_directories(folder);
  for (const char* name : {"out", "out.hgrm"}) {
    const fs::path path = HgrmFiles(folder / name).write("response", some_latencies(100));
    EXPECT_EQ(path, folder / "out.response.hgrm");
  }
  std::ifstream file(folder / "out.response.hgrm");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text, hgrm_text(some_latencies(100)));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 1) << "nothing temporary is left";
  fs::remove_all(folder);
  EXPECT_THROW(HgrmFiles(folder / "out"), std::runtime_error) << "the folder is gone";
  EXPECT_THROW(HgrmFiles("/"), std::runtime_error);
}

}  // namespace
}  // namespace reactorlab::measure
