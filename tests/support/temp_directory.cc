#include "tests/support/temp_directory.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/check.h"

namespace tidemark::support {

TempDirectory::TempDirectory() {
  std::error_code error;
  std::string pattern = std::filesystem::temp_directory_path(error).string();
  TM_CHECK(!error);
  pattern += "/tidemark-test-XXXXXX";
  TM_CHECK(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace tidemark::support
