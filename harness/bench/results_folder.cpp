#include "harness/bench/results_folder.hpp"

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace reactorlab::bench {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& cause) {
  throw std::runtime_error(
      fmt::format("cannot write results to {}: {}. Choose another folder with --out=DIR", path.string(), cause));
}

}  // namespace

ResultsFolder::ResultsFolder(std::filesystem::path path) : path_(std::move(path)) {
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error) refuse(path_, error.message());
  const auto samples = path_ / "samples.jsonl";
  samples_fd_ = ::open(samples.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
  if (samples_fd_ < 0)
    refuse(path_, errno == EEXIST ? "it holds a run already" : std::system_category().message(errno));
}

ResultsFolder::~ResultsFolder() {
  if (::lseek(samples_fd_, 0, SEEK_END) == 0) {  // nothing was measured: leave nothing half-written behind
    std::error_code ignored;
    for (const char* name : {"samples.jsonl", "provenance.json", "summary.json"})
      std::filesystem::remove(path_ / name, ignored);
    std::filesystem::remove(path_, ignored);
  }
  ::close(samples_fd_);
}

void ResultsFolder::append(const Sample& sample) {
  const std::string line = to_json(sample).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  if (::write(samples_fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    refuse(path_, "samples.jsonl: " + std::system_category().message(errno));
}

void ResultsFolder::write(const std::string& name, const nlohmann::json& content) {
  const auto temporary = path_ / (name + ".tmp");
  std::ofstream file(temporary);
  file << content.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(temporary, path_ / name, error);
  if (!file || error) refuse(path_, name + ": " + (error ? error.message() : "writing failed"));
}

}  // namespace reactorlab::bench
