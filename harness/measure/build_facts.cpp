#include "harness/measure/command.hpp"
#include "harness/measure/host_facts.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <source_location>
#include <sstream>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <link.h>

namespace reactorlab::measure {
namespace {

constexpr const char* kUnknown = "n/a";

std::string first_word(const std::optional<std::string>& text) {
  return text ? text->substr(0, text->find_first_of(" \n")) : kUnknown;
}

nlohmann::json commit_facts(const std::string& source) {
  if (source.empty()) return {{"commit", kUnknown}, {"modified_files", kUnknown}};
  // Not results/: a run writes its own folder there, and none of it is built.
  const auto status = output_of({"git", "-C", source, "status", "--porcelain", "--", ".", ":(exclude)results"});
  nlohmann::json modified = kUnknown;
  if (status) modified = std::count(status->begin(), status->end(), '\n');
  return {{"commit", first_word(output_of({"git", "-C", source, "rev-parse", "HEAD"}))}, {"modified_files", modified}};
}

/// Versions of the packages that are in the binary or made it; those that aren't installed are left out.
nlohmann::json package_versions() {
  nlohmann::json versions = nlohmann::json::object();
  for (const char* package :
       {"g++", "clang-19", "cmake", "libc6", "libstdc++6", "libfmt-dev", "libcli11-dev", "nlohmann-json3-dev", "libboost1.81-dev",
        "libuv1-dev", "liburing-dev", "libevent-dev", "libbenchmark-dev", "libgtest-dev"}) {
    const auto version = output_of({"dpkg-query", "-W", "-f", "${Version}", package});
    if (version && !version->empty()) versions[package] = *version;
  }
  return versions;
}

std::string binary_digest() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? kUnknown : digest_of_file(path.string());
}

/// The shared libraries of this build, which stand beside the binary: they are as much of the program as it is.
nlohmann::json library_digests() {
  nlohmann::json digests = nlohmann::json::object();
  std::error_code error;
  const auto folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  std::vector<std::filesystem::path> loaded;
  ::dl_iterate_phdr(
      [](dl_phdr_info* library, std::size_t, void* paths) {
        static_cast<std::vector<std::filesystem::path>*>(paths)->emplace_back(library->dlpi_name);
        return 0;
      },
      &loaded);
  for (const std::filesystem::path& path : loaded)
    if (!folder.empty() && path.parent_path() == folder) digests[path.filename().string()] = digest_of_file(path.string());
  return digests;
}

std::string compiler() {
#if defined(__clang__)
  return fmt::format("clang {}", __clang_version__);
#else
  return fmt::format("g++ {}", __VERSION__);
#endif
}

std::string flags() {
#ifdef REACTORLAB_CXX_FLAGS
  return REACTORLAB_CXX_FLAGS;
#else
  return kUnknown;
#endif
}

}  // namespace

std::string source_folder() {
#ifdef REACTORLAB_SOURCE_DIR
  const std::filesystem::path root = REACTORLAB_SOURCE_DIR;
#else
  // This file is <root>/harness/measure/build_facts.cpp, and the build names it by its absolute path.
  const auto root = std::filesystem::path(std::source_location::current().file_name()).parent_path().parent_path().parent_path();
#endif
  std::error_code error;
  return root.is_absolute() && std::filesystem::exists(root / "CMakeLists.txt", error) ? root.string() : std::string();
}

nlohmann::json build_facts() {
  nlohmann::json facts = commit_facts(source_folder());
  facts["compiler"] = compiler();
  facts["flags"] = flags();
#ifdef NDEBUG
  facts["assertions"] = "off";
#else
  facts["assertions"] = "on";
#endif
  facts["binary"] = binary_digest();
  if (nlohmann::json libraries = library_digests(); !libraries.empty()) facts["libraries"] = std::move(libraries);
  facts["packages"] = package_versions();
  return facts;
}

std::string digest_of_file(const std::string& path) {
  if (const auto sum = output_of({"sha256sum", path})) return "sha256:" + first_word(sum);
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) return kUnknown;
  const auto time = std::filesystem::last_write_time(path, error).time_since_epoch().count();
  return error ? kUnknown : fmt::format("size:{} mtime:{}", size, time);
}

std::string digest_of(const nlohmann::json& facts) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : facts.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211ULL;
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace reactorlab::measure
