#include "absl/strings/str_format.h"
#include "storage/fs/file_system.h"

namespace tidemark::storage {

std::string JoinPath(std::string_view directory, std::string_view name) {
  return absl::StrFormat("%s/%s", directory, name);
}

}  // namespace tidemark::storage
