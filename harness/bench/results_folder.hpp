#pragma once

#include "harness/bench/sample.hpp"

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

namespace reactorlab::bench {

/// Where a run is published. Samples are appended one by one, so that what was measured survives whatever happens; the
/// other files appear whole or not at all. One program at a time writes to a folder. Errors are std::runtime_error with
/// cause and remedy.
class ResultsFolder {
 public:
  /// Makes the folder. It must not hold a run already, and must be writable: this is found out before anything is
  /// measured. A folder in which nothing was measured disappears again.
  [[nodiscard]] static ResultsFolder create(std::filesystem::path path);

  /// Opens a folder that holds a run, to add to it.
  [[nodiscard]] static ResultsFolder reopen(std::filesystem::path path);

  ~ResultsFolder();
  ResultsFolder(ResultsFolder&& other) noexcept;
  ResultsFolder(const ResultsFolder&) = delete;
  ResultsFolder& operator=(const ResultsFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  void append(const Sample& sample);
  void write(const std::string& name, const nlohmann::json& content);

  /// Replaces samples.jsonl by these lines: whoever looks finds the old file or the new one, whole.
  void rewrite_samples(const std::string& lines);

  /// Adds to a file beside the samples.
  void append_text(const std::string& name, const std::string& text);

 private:
  explicit ResultsFolder(std::filesystem::path path) : path_(std::move(path)) {}
  void lock();
  void open_samples(int flags);
  void write_text(const std::string& name, const std::string& text);

  std::filesystem::path path_;
  int folder_fd_ = -1;  ///< holds the lock
  int samples_fd_ = -1;
  bool made_here_ = false;
};

}  // namespace reactorlab::bench
