#include "tests/support/loop_device.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"

namespace tidemark::support {
namespace {

absl::Status CannotLoop(const char* what) {
  return absl::UnimplementedError(
      absl::StrFormat("no loop device here: %s failed with %s", what, base::ErrnoName(errno)));
}

// Another process may take the free device between the question and the answer.
absl::StatusOr<std::pair<int, std::string>> AttachAnyFree(int control, int image,
                                                          std::uint32_t more_flags) {
  constexpr int kTries = 50;
  for (int i = 0; i < kTries; ++i) {
    const int number = ::ioctl(control, LOOP_CTL_GET_FREE);
    if (number < 0) return CannotLoop("asking for a free one");
    std::string path = absl::StrFormat("/dev/loop%d", number);
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return CannotLoop("opening it");
    loop_config config{};
    config.fd = static_cast<std::uint32_t>(image);
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR | more_flags;
    if (::ioctl(fd, LOOP_CONFIGURE, &config) == 0) return std::pair(fd, std::move(path));
    const int error_number = errno;
    ::close(fd);
    errno = error_number;
    if (error_number != EBUSY) return CannotLoop("attaching the image");
  }
  return absl::UnavailableError("every free loop device was taken by somebody else");
}

}  // namespace

absl::StatusOr<LoopDevice> LoopDevice::Attach(const std::string& image, bool direct) {
  const int control = ::open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (control < 0) return CannotLoop("opening /dev/loop-control");
  const int image_fd = ::open(image.c_str(), O_RDWR | O_CLOEXEC);
  if (image_fd < 0) {
    ::close(control);
    return base::ErrnoStatus(errno, absl::StrFormat("open '%s'", image));
  }
  auto attached = AttachAnyFree(control, image_fd, direct ? LO_FLAGS_DIRECT_IO : 0);
  ::close(image_fd);
  ::close(control);
  if (!attached.ok()) return attached.status();
  return LoopDevice(attached->first, std::move(attached->second));
}

absl::Status LoopDevice::TakeNewSize(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return base::ErrnoStatus(errno, absl::StrFormat("open '%s'", path));
  const int failed = ::ioctl(fd, LOOP_SET_CAPACITY, 0);
  const int error_number = errno;
  ::close(fd);
  if (failed == 0) return absl::OkStatus();
  return base::ErrnoStatus(error_number, absl::StrFormat("resize '%s'", path));
}

LoopDevice::LoopDevice(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
LoopDevice::LoopDevice(LoopDevice&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
LoopDevice::~LoopDevice() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace tidemark::support
