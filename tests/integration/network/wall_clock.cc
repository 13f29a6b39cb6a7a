#include "tests/integration/network/wall_clock.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"

namespace tidemark::network {
namespace {

constexpr char kLibrary[] = "libtidemark_clock.so";  // in the daemons' sight
constexpr char kPage[] = "clock";

}  // namespace

absl::StatusOr<std::unique_ptr<WallClock>> WallClock::Create() {
  std::unique_ptr<WallClock> clock(new WallClock());
  // Copied: daemons run as nobody, who may not get into the build tree.
  chmod(clock->directory_.path().c_str(), 0711);
  std::error_code error;
  const std::filesystem::path built = TIDEMARK_CLOCK_LIBRARY;
  const std::string copy = clock->directory_.File(kLibrary);
  std::filesystem::copy_file(built, copy, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrFormat("copy '%s': %s", built.string(), error.message()));
  }
  chmod(copy.c_str(), 0755);
  const std::string path = clock->directory_.File(kPage);
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return base::ErrnoStatus(errno, "create " + path);
  fchmod(fd, 0666);
  const bool sized = ftruncate(fd, sizeof(ClockPage)) == 0;
  void* page = mmap(nullptr, sizeof(ClockPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  const int error_number = errno;
  close(fd);
  if (!sized || page == MAP_FAILED) return base::ErrnoStatus(error_number, "map " + path);
  clock->page_ = static_cast<ClockPage*>(page);
  return clock;
}

WallClock::~WallClock() {
  if (page_ != nullptr) munmap(page_, sizeof(ClockPage));
}

std::vector<std::string> WallClock::Environment() const {
  return {"LD_PRELOAD=" + directory_.File(kLibrary),
          absl::StrFormat("%s=%s", kClockPageVariable, directory_.File(kPage))};
}

}  // namespace tidemark::network
