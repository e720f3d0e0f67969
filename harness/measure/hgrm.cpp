#include "harness/measure/hgrm.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

namespace reactorlab::measure {
namespace {

namespace fs = std::filesystem;

double microseconds(double ns) { return ns / 1000; }

std::string row(std::uint64_t ns, double fraction, std::uint64_t total) {
  const double inverse = fraction < 1 ? 1 / (1 - fraction) : std::numeric_limits<double>::infinity();
  return fmt::format("{:12.3f} {:.12f} {:10} {:>14.2f}\n", microseconds(static_cast<double>(ns)), fraction, total, inverse);
}

/// A level that is a sum of tenths is a little off, which must not cost a value more. Less than one of 10^12 values.
constexpr double kRounding = 1e-12;

/// The percentiles that are reported: five between 0 and one half, five between that and three quarters, and so on.
class Levels {
 public:
  [[nodiscard]] double fraction() const { return 1 - std::ldexp(1.0, -halving_) + tick_ * std::ldexp(0.2, -halving_ - 1); }
  void advance() {
    if (++tick_ < 5) return;
    tick_ = 0;
    ++halving_;
  }

 private:
  int halving_ = 0;
  int tick_ = 0;
};

[[noreturn]] void refuse(const fs::path& path, const std::string& cause) {
  throw std::runtime_error(fmt::format("cannot write {}: {}. Choose another place with --hgrm=FILE", path.string(), cause));
}

}  // namespace

std::string hgrm_text(const Histogram& histogram) {
  std::string text = fmt::format("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
  Levels level;
  std::uint64_t total = 0;
  for (const Histogram::Bucket& bucket : histogram.recorded()) {
    total += bucket.count;
    const double reached = static_cast<double>(total) / static_cast<double>(histogram.count()) + kRounding;
    const std::uint64_t value = std::min(bucket.last, histogram.max());
    if (total == histogram.count()) {
      text += row(value, std::min(level.fraction(), 1.0), total);
      text += row(histogram.max(), 1, total);
    } else {
      for (; level.fraction() <= reached; level.advance()) text += row(value, level.fraction(), total);
    }
  }
  text += fmt::format("#[Mean    = {:12.3f}, StdDeviation   = {:12.3f}]\n", microseconds(histogram.mean()),
                      microseconds(histogram.standard_deviation()));
  text += fmt::format("#[Max     = {:12.3f}, Total count    = {:12}]\n", microseconds(static_cast<double>(histogram.max())),
                      histogram.count());
  text += fmt::format("#[Buckets = {:12}, SubBuckets     = {:12}]\n", Histogram::kHdrBuckets, Histogram::kHdrSubBuckets);
  return text;
}

HgrmFiles::HgrmFiles(const fs::path& file) : stem_(file) {
  if (stem_.extension() == ".hgrm") stem_.replace_extension();
  if (!stem_.has_filename()) refuse(file, "it names a folder, not a file");
  const fs::path folder = stem_.has_parent_path() ? stem_.parent_path() : fs::path(".");
  if (::access(folder.c_str(), W_OK | X_OK) != 0) refuse(file, std::system_category().message(errno));
}

fs::path HgrmFiles::write(std::string_view name, const Histogram& histogram) const {
  const fs::path path = fmt::format("{}.{}.hgrm", stem_.string(), name);
  const fs::path temporary = path.string() + ".tmp";
  std::ofstream file(temporary);
  file << hgrm_text(histogram);
  file.close();
  std::error_code error;
  if (file) fs::rename(temporary, path, error);
  if (!file || error) refuse(path, error ? error.message() : "writing failed");
  return path;
}

}  // namespace reactorlab::measure
