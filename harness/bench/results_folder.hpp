#pragma once

#include "harness/bench/sample.hpp"

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

namespace reactorlab::bench {

/// Where a run is published. Samples are appended one by one, so that what was measured survives whatever happens; the
/// other files appear whole or not at all. Errors are std::runtime_error with cause and remedy.
class ResultsFolder {
 public:
  /// Makes the folder. It must not hold a run already, and must be writable: this is found out before anything is
  /// measured.
  explicit ResultsFolder(std::filesystem::path path);
  ~ResultsFolder();
  ResultsFolder(const ResultsFolder&) = delete;
  ResultsFolder& operator=(const ResultsFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  void append(const Sample& sample);
  void write(const std::string& name, const nlohmann::json& content);

 private:
  std::filesystem::path path_;
  int samples_fd_ = -1;
};

}  // namespace reactorlab::bench
