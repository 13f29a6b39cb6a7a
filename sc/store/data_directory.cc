#include "sc/store/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "base/errno_status.h"

namespace tidemark::sc {
namespace {

constexpr char kLockName[] = "LOCK";

absl::Status CheckMode(int directory, const std::string& path) {
  struct stat stat {};
  if (fstat(directory, &stat) != 0) return base::ErrnoStatus(errno, "stat '" + path + "'");
  if ((stat.st_mode & (S_IRWXO | S_IWGRP)) != 0) {
    return absl::FailedPreconditionError(
        absl::StrFormat("open data directory '%s' refused: mode %04o lets others in; chmod 0700 it",
                        path, stat.st_mode & 07777));
  }
  return absl::OkStatus();
}

}  // namespace

DataDirectory::DataDirectory(std::string path, int directory, int lock)
    : path_(std::move(path)), directory_(directory), lock_(lock) {}

DataDirectory::~DataDirectory() {
  close(lock_);
  close(directory_);
}

absl::StatusOr<std::unique_ptr<DataDirectory>> DataDirectory::Open(const std::string& path) {
  if (path.empty()) return absl::InvalidArgumentError("open data directory refused: empty path");
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return base::ErrnoStatus(errno, "create data directory '" + path + "'");
  }
  const int directory = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0) return base::ErrnoStatus(errno, "open data directory '" + path + "'");
  std::unique_ptr<DataDirectory> opened(new DataDirectory(path, directory, -1));
  if (absl::Status mode = CheckMode(directory, path); !mode.ok()) return mode;
  opened->lock_ = openat(directory, kLockName, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (opened->lock_ < 0) return base::ErrnoStatus(errno, "open '" + path + "/LOCK'");
  if (flock(opened->lock_, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return absl::UnavailableError(absl::StrFormat(
          "open data directory '%s' refused: another tidemark-sc runs on it", path));
    }
    return base::ErrnoStatus(errno, "lock '" + path + "/LOCK'");
  }
  return opened;
}

}  // namespace tidemark::sc
