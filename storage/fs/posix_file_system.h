// The real disk: every call is one Linux system call on the path it was given.
//
// Lifetime:  stateless; one per process is enough.
// Threading: any thread; all calls may block.
// Errors:    as FileSystem says; the message is "<call> '<path>': <strerror> (<errno name>)".
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "storage/fs/file_system.h"

namespace tidemark::storage {

class PosixFileSystem final : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  absl::Status CreateDirectory(const std::string& path) override;
  absl::Status RemoveFile(const std::string& path) override;
  absl::Status RemoveDirectory(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status SyncDirectory(const std::string& path) override;
  absl::Status SyncFileSystem(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  absl::StatusOr<FileStat> Stat(const std::string& path) override;
  absl::StatusOr<FileSystemStat> StatFileSystem(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override;
};

}  // namespace tidemark::storage
