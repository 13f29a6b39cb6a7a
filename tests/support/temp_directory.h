// A fresh directory that is removed with everything in it.
//
// Lifetime:  the directory lives as long as the object.
#pragma once

#include <string>

namespace tidemark::support {

class TempDirectory {
 public:
  TempDirectory();  // under $TMPDIR or /tmp; ends the process if none can be made
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace tidemark::support
