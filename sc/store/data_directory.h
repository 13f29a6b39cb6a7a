// The directory one SC keeps its state in, owned by one process at a time.
//
// Lifetime:  the lock is held until destroyed (and by the kernel until the process ends).
// Threading: immutable once open.
// Errors:    kFailedPrecondition if another process holds it, if it is a symbolic link, or if
// others
//            may write or read it. Else what the system call said.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace tidemark::sc {

class DataDirectory {
 public:
  // Creates `path` (mode 0700, one level) where it is missing.
  static absl::StatusOr<std::unique_ptr<DataDirectory>> Open(const std::string& path);
  ~DataDirectory();
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  const std::string& path() const { return path_; }
  int descriptor() const { return directory_; }
  std::string FilePath(const std::string& name) const { return path_ + "/" + name; }

 private:
  DataDirectory(std::string path, int directory, int lock);

  std::string path_;
  int directory_;
  int lock_;
};

}  // namespace tidemark::sc
