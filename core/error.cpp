#include "core/error.hpp"

namespace reactorlab {

void throw_errno(int code, const std::string& operation, const std::string& remedy) {
  const std::error_code error{code, std::system_category()};
  // system_error appends ": <cause>" itself.
  throw std::system_error(error, remedy.empty() ? operation : operation + " failed (remedy: " + remedy + ")");
}

}  // namespace reactorlab
