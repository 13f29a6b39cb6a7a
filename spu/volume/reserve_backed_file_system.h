// A volume's filesystem, of which an unlink may cost the reserve: one that meets ENOSPC or EDQUOT
// itself (a full btrfs has no room for the metadata) gives the reserve up and is tried once more.
// Everything else goes through unchanged. Nothing else ever releases the reserve.
//
// Lifetime:  `inner` outlives it.
// Threading: any thread; as `inner`.
// Errors:    as `inner`; if nothing came of the reserve, the unlink's own error.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "monitor/volume_layout.h"
#include "storage/fs/file_system.h"

namespace tidemark::spu {

class ReserveBackedFileSystem final : public storage::FileSystem {
 public:
  ReserveBackedFileSystem(storage::FileSystem& inner, monitor::VolumeLayout layout)
      : inner_(inner), layout_(std::move(layout)) {}

  absl::StatusOr<std::unique_ptr<storage::File>> Open(const std::string& path,
                                                      storage::OpenMode mode) override {
    return inner_.Open(path, mode);
  }
  absl::Status CreateDirectory(const std::string& path) override {
    return inner_.CreateDirectory(path);
  }
  absl::Status RemoveFile(const std::string& path) override;
  absl::Status RemoveDirectory(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override {
    return inner_.Rename(from, to);
  }
  absl::Status SyncDirectory(const std::string& path) override {
    return inner_.SyncDirectory(path);
  }
  absl::Status SyncFileSystem(const std::string& path) override {
    return inner_.SyncFileSystem(path);
  }
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    return inner_.List(path);
  }
  absl::StatusOr<storage::FileStat> Stat(const std::string& path) override {
    return inner_.Stat(path);
  }
  absl::StatusOr<storage::FileSystemStat> StatFileSystem(const std::string& path) override {
    return inner_.StatFileSystem(path);
  }
  absl::StatusOr<std::unique_ptr<storage::FileLock>> Lock(const std::string& path) override {
    return inner_.Lock(path);
  }

 private:
  absl::Status Remove(absl::FunctionRef<absl::Status()> remove);
  bool GiveUpReserve();  // whoever counts on it looks at the file

  storage::FileSystem& inner_;
  const monitor::VolumeLayout layout_;
};

}  // namespace tidemark::spu
