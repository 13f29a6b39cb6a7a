#include "sc/store/ballast.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"

namespace tidemark::sc {
namespace {

constexpr std::size_t kBlockBytes = 4096;
constexpr std::int64_t kStatBlockBytes = 512;

absl::Status Failed(std::string_view what, const std::string& name) {
  const int error = errno;
  return base::ErrnoStatus(error, absl::StrFormat("%s '%s'", what, name));
}

}  // namespace

Ballast::Ballast(int directory, std::string name, std::int64_t bytes)
    : directory_(directory), name_(std::move(name)), bytes_(bytes), held_(bytes == 0) {}

absl::Status Ballast::TakeInto(int file) {
  if (const int error = posix_fallocate(file, 0, bytes_); error != 0) {
    return base::ErrnoStatus(error, absl::StrFormat("allocate %d bytes for '%s'", bytes_, name_));
  }
  // Overwriting the last block shows that the space is there to be written, not only counted.
  std::array<unsigned char, kBlockBytes> block;
  block.fill(0xb5);
  const std::int64_t last =
      std::max<std::int64_t>(0, bytes_ - static_cast<std::int64_t>(block.size()));
  if (pwrite(file, block.data(), block.size(), last) != static_cast<ssize_t>(block.size())) {
    return Failed("write", name_);
  }
  if (fsync(file) != 0) return Failed("sync", name_);
  std::array<unsigned char, kBlockBytes> back{};
  if (pread(file, back.data(), back.size(), last) != static_cast<ssize_t>(back.size()) ||
      back != block) {
    return absl::DataLossError(absl::StrFormat("read back '%s': other bytes", name_));
  }
  struct stat stat {};
  if (fstat(file, &stat) != 0) return Failed("stat", name_);
  if (stat.st_blocks * kStatBlockBytes < bytes_) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("allocate '%s': %d of %d bytes are really there", name_,
                        stat.st_blocks * kStatBlockBytes, bytes_));
  }
  if (fsync(directory_) != 0) return Failed("sync directory of", name_);
  return absl::OkStatus();
}

absl::Status Ballast::Take() {
  if (bytes_ == 0) return absl::OkStatus();
  held_ = false;
  const int file =
      openat(directory_, name_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return Failed("open", name_);
  const absl::Status taken = TakeInto(file);
  close(file);
  // A failed allocation leaves partial extents on ext4: half a reserve helps nobody.
  if (!taken.ok()) unlinkat(directory_, name_.c_str(), 0);
  held_ = taken.ok();
  return taken;
}

bool Ballast::Release() {
  if (bytes_ == 0) return false;
  const bool had = unlinkat(directory_, name_.c_str(), 0) == 0;
  fsync(directory_);
  held_ = false;
  return had;
}

}  // namespace tidemark::sc
