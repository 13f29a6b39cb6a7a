// A file as a block device.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace tidemark::support {

// Attached while somebody has it open: the kernel detaches it after the last close or umount.
class LoopDevice {
 public:
  // kUnimplemented with the reason if this process may not attach one.
  // `direct`: past the page cache of the image's filesystem. Without it Linux 6.18 tells a write of
  // which only a part fitted into a full filesystem as done.
  static absl::StatusOr<LoopDevice> Attach(const std::string& image, bool direct = false);
  LoopDevice(LoopDevice&& other) noexcept;
  LoopDevice& operator=(LoopDevice&&) = delete;
  ~LoopDevice();

  const std::string& path() const { return path_; }
  // After its image has grown.
  static absl::Status TakeNewSize(const std::string& path);

 private:
  LoopDevice(int fd, std::string path);

  int fd_;
  std::string path_;
};

}  // namespace tidemark::support
