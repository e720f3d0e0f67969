#pragma once

#include "harness/measure/histogram.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace reactorlab::measure {

/// The percentile distribution as HdrHistogram prints it and its plotters read it (files named *.hgrm), in microseconds: five rows
/// for each halving of the distance to 100 %, and a footer.
[[nodiscard]] std::string hgrm_text(const Histogram& histogram);

/// Where histograms of one measurement go: FILE.NAME.hgrm each, whether or not FILE was given with its ".hgrm".
class HgrmFiles {
 public:
  /// Throws std::runtime_error where the folder can't be written to, so that this is known before anything is measured.
  explicit HgrmFiles(const std::filesystem::path& file);

  /// Writes the file whole: it is made under another name and renamed. Returns its path; throws std::runtime_error.
  std::filesystem::path write(std::string_view name, const Histogram& histogram) const;

 private:
  std::filesystem::path stem_;
};

}  // namespace reactorlab::measure
