#include "harness/bench/results_folder.hpp"

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

namespace reactorlab::bench {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& cause,
                         const std::string& remedy = "Choose another folder with --out=DIR") {
  throw std::runtime_error(fmt::format("cannot write results to {}: {}. {}", path.string(), cause, remedy));
}

}  // namespace

ResultsFolder ResultsFolder::create(std::filesystem::path path) {
  ResultsFolder folder(std::move(path));
  std::error_code error;
  std::filesystem::create_directories(folder.path_, error);
  if (error) refuse(folder.path_, error.message());
  folder.lock();
  folder.open_samples(O_CREAT | O_EXCL);
  folder.made_here_ = true;
  return folder;
}

ResultsFolder ResultsFolder::reopen(std::filesystem::path path) {
  ResultsFolder folder(std::move(path));
  folder.lock();
  folder.open_samples(O_CREAT);
  return folder;
}

ResultsFolder::ResultsFolder(ResultsFolder&& other) noexcept
    : path_(std::move(other.path_)),
      folder_fd_(std::exchange(other.folder_fd_, -1)),
      samples_fd_(std::exchange(other.samples_fd_, -1)),
      made_here_(std::exchange(other.made_here_, false)) {}

ResultsFolder::~ResultsFolder() {
  if (made_here_ && ::lseek(samples_fd_, 0, SEEK_END) == 0) {  // nothing was measured: leave nothing half-written behind
    std::error_code ignored;
    for (const char* name : {"samples.jsonl", "provenance.json", "summary.json"}) std::filesystem::remove(path_ / name, ignored);
    std::filesystem::remove(path_, ignored);
  }
  for (const int fd : {samples_fd_, folder_fd_})
    if (fd >= 0) ::close(fd);
}

void ResultsFolder::lock() {
  folder_fd_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_fd_ < 0) refuse(path_, std::system_category().message(errno));
  if (::flock(folder_fd_, LOCK_EX | LOCK_NB) != 0) refuse(path_, "another bench is writing there", "Wait until it has ended");
}

void ResultsFolder::open_samples(int flags) {
  const auto samples = path_ / "samples.jsonl";
  const int fd = ::open(samples.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | flags, 0644);
  if (fd < 0 && errno == EEXIST)
    refuse(path_, "it holds a run already",
           fmt::format("Choose another folder with --out=DIR, or continue that run with --resume={}", path_.string()));
  if (fd < 0) refuse(path_, std::system_category().message(errno));
  if (samples_fd_ >= 0) ::close(samples_fd_);
  samples_fd_ = fd;
}

void ResultsFolder::append(const Sample& sample) {
  const std::string line = to_json(sample).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  if (::write(samples_fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    refuse(path_, "samples.jsonl: " + std::system_category().message(errno));
}

void ResultsFolder::write(const std::string& name, const nlohmann::json& content) {
  write_text(name, content.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

void ResultsFolder::rewrite_samples(const std::string& lines) {
  write_text("samples.jsonl", lines);
  open_samples(0);
}

void ResultsFolder::append_text(const std::string& name, const std::string& text) {
  std::ofstream file(path_ / name, std::ios::app);
  file << text;
  file.close();
  if (!file) refuse(path_, name + ": writing failed");
}

void ResultsFolder::write_text(const std::string& name, const std::string& text) {
  const auto temporary = path_ / (name + ".tmp");
  std::ofstream file(temporary);
  file << text;
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(temporary, path_ / name, error);
  if (!file || error) refuse(path_, name + ": " + (error ? error.message() : "writing failed"));
}

}  // namespace reactorlab::bench
