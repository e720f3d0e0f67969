#include "core/unix_address.hpp"

#include <cctype>
#include <cerrno>
#include <cstring>

#include "core/error.hpp"
#include "core/mutation.hpp"

namespace reactorlab {
namespace {

void check_length(std::string_view name, const char* what) {
  if (name.size() <= UnixAddress::longest_name) return;
  throw_errno(ENAMETOOLONG, std::string{what} + " of " + std::to_string(name.size()) + " bytes",
              "use at most " + std::to_string(UnixAddress::longest_name) + ", such as a path from the working directory");
}

std::string printable(std::string_view name) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isprint(byte)) {
      text += c;
    } else {
      text += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return text;
}

}  // namespace

UnixAddress UnixAddress::path(std::string_view path) {
  if (mutated(Mutant::long_name_cut)) path = path.substr(0, longest_name);
  check_length(path, "Unix socket path");
  if (path.empty()) throw_errno(EINVAL, "empty Unix socket path", "give a path, or abstract() a name");
  if (path.find('\0') != path.npos) throw_errno(EINVAL, "Unix socket path with a NUL in it", "give a path, or abstract() a name");
  UnixAddress address;
  std::memcpy(address.address_.sun_path, path.data(), path.size());
  address.size_ = static_cast<socklen_t>(header + path.size() + 1);
  return address;
}

UnixAddress UnixAddress::abstract(std::string_view name) {
  check_length(name, "abstract Unix socket name");
  UnixAddress address;
  if (!name.empty()) std::memcpy(address.address_.sun_path + 1, name.data(), name.size());
  address.size_ = static_cast<socklen_t>(header + 1 + name.size());
  return address;
}

std::string_view UnixAddress::name() const noexcept {
  if (is_unnamed()) return {};
  const std::size_t room = size_ - header;
  if (is_abstract()) return {address_.sun_path + 1, room - 1};
  return {address_.sun_path, ::strnlen(address_.sun_path, room)};
}

std::string UnixAddress::to_string() const {
  if (is_unnamed()) return "(unnamed)";
  return (is_abstract() ? "@" : "") + printable(name());
}

}  // namespace reactorlab
