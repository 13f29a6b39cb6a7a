#include "tests/support/foreign_filler.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "tests/support/await.h"

namespace tidemark::support {
namespace {

constexpr std::int64_t kBlockBytes = 4096;
constexpr std::int64_t kLargestChunk = std::int64_t{64} << 20;

// Nothing here allocates memory: the child of a fork() calls it too.
int Extend(int fd, std::int64_t position, std::int64_t bytes) {
  int result = 0;
  do {
    result = ::fallocate(fd, 0, position, bytes);
  } while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : errno;
}

// Extends the file until not one block more is to be had; true if anything was taken.
bool TakeAllThereIs(int fd, std::int64_t& position) {
  const std::int64_t before = position;
  for (std::int64_t chunk = kLargestChunk; chunk >= kBlockBytes;) {
    if (Extend(fd, position, chunk) == 0) {
      position += chunk;
    } else {
      chunk /= 2;
    }
  }
  return position != before;
}

// Creates files, named on from `count`, until there is no inode left; true if any was taken.
bool TakeAllInodes(int place_fd, std::atomic<std::int64_t>& count) {
  const std::int64_t before = count.load();
  while (true) {
    char name[24] = "i";
    *std::to_chars(name + 1, name + sizeof name - 1, count.load()).ptr = '\0';
    const int fd = ::openat(place_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR);
    if (fd < 0) return count.load() != before;
    ::close(fd);
    ++count;
  }
}

absl::StatusOr<struct statvfs> Statvfs(const std::string& path) {
  struct statvfs st {};
  if (::statvfs(path.c_str(), &st) != 0) {
    return base::ErrnoStatus(errno, absl::StrFormat("statvfs '%s'", path));
  }
  return st;
}

absl::StatusOr<int> CreateFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) return base::ErrnoStatus(errno, absl::StrFormat("create '%s'", path));
  return fd;
}

void CloseAndForget(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

// A lock of the parent must not live on in its child.
void CloseAllBut(std::array<int, 3> kept) {
  std::ranges::sort(kept);
  unsigned next = STDERR_FILENO + 1;
  for (const int fd : kept) {
    const auto keep = static_cast<unsigned>(fd);
    if (keep > next) ::close_range(next, keep - 1, 0);
    next = keep + 1;
  }
  ::close_range(next, ~0U, 0);
}

}  // namespace

struct ForeignFiller::Grabbed {
  std::atomic<std::int64_t> bytes = 0;
  std::atomic<std::int64_t> inodes = 0;
};

absl::StatusOr<std::unique_ptr<ForeignFiller>> ForeignFiller::Create(const std::string& directory) {
  std::string place = directory + "/foreign-XXXXXX";
  if (::mkdtemp(place.data()) == nullptr) return base::ErrnoStatus(errno, "mkdtemp");
  std::unique_ptr<ForeignFiller> filler(new ForeignFiller(std::move(place)));
  // Made now: there may be no inode left when they are needed.
  if (::mkdir((filler->directory_ + "/grabbed-inodes").c_str(), S_IRWXU) != 0) {
    return base::ErrnoStatus(errno, "mkdir");
  }
  TM_RETURN_IF_ERROR(filler->ComeBack());
  void* shared =
      ::mmap(nullptr, sizeof(Grabbed), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return base::ErrnoStatus(errno, "mmap");
  filler->grabbed_ = new (shared) Grabbed();
  return filler;
}

ForeignFiller::ForeignFiller(std::string directory) : directory_(std::move(directory)) {}

ForeignFiller::~ForeignFiller() {
  static_cast<void>(StopGrabbing());
  static_cast<void>(Free());
  LetGo();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
  if (grabbed_ != nullptr) ::munmap(static_cast<void*>(grabbed_), sizeof(Grabbed));
}

absl::Status ForeignFiller::OpenFilling() {
  TM_ASSIGN_OR_RETURN(filling_fd_, CreateFile(directory_ + "/filling"));
  return absl::OkStatus();
}

absl::Status ForeignFiller::ComeBack() {
  TM_RETURN_IF_ERROR(OpenFilling());
  TM_ASSIGN_OR_RETURN(grab_fd_, CreateFile(directory_ + "/grabbed"));
  const std::string inodes = directory_ + "/grabbed-inodes";
  grab_place_fd_ = ::open(inodes.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return grab_place_fd_ >= 0 ? absl::OkStatus() : base::ErrnoStatus(errno, "open directory");
}

void ForeignFiller::LetGo() {
  CloseAndForget(filling_fd_);
  CloseAndForget(grab_fd_);
  CloseAndForget(grab_place_fd_);
}

absl::StatusOr<std::int64_t> ForeignFiller::AvailableBytes(const std::string& path) {
  TM_ASSIGN_OR_RETURN(const struct statvfs st, Statvfs(path));
  return static_cast<std::int64_t>(st.f_bavail * st.f_frsize);
}

absl::StatusOr<std::int64_t> ForeignFiller::AvailableInodes(const std::string& path) {
  TM_ASSIGN_OR_RETURN(const struct statvfs st, Statvfs(path));
  return static_cast<std::int64_t>(st.f_favail);
}

absl::Status ForeignFiller::Take(std::int64_t bytes) {
  if (const int failed = Extend(filling_fd_, filling_bytes_, bytes); failed != 0) {
    return base::ErrnoStatus(failed, absl::StrFormat("take %d bytes", bytes));
  }
  filling_bytes_ += bytes;
  return absl::OkStatus();
}

absl::Status ForeignFiller::FillUntilLeft(std::int64_t bytes) {
  // Several rounds: the filesystem's own books take blocks as the file grows.
  while (true) {
    TM_ASSIGN_OR_RETURN(const std::int64_t available, AvailableBytes(directory_));
    const std::int64_t excess = available - bytes;
    if (excess <= 0) return absl::OkStatus();
    const std::int64_t chunk = std::max(excess / kBlockBytes, std::int64_t{1}) * kBlockBytes;
    TM_RETURN_IF_ERROR(Take(std::min(chunk, kLargestChunk)));
  }
}

absl::Status ForeignFiller::FillCompletely() {
  TakeAllThereIs(filling_fd_, filling_bytes_);
  return absl::OkStatus();
}

absl::Status ForeignFiller::TakeInodesUntilLeft(std::int64_t inodes) {
  const std::string place = directory_ + "/inodes";
  if (::mkdir(place.c_str(), S_IRWXU) != 0 && errno != EEXIST && errno != ENOSPC) {
    return base::ErrnoStatus(errno, "mkdir");
  }
  for (int i = 0;; ++i) {
    TM_ASSIGN_OR_RETURN(const std::int64_t available, AvailableInodes(directory_));
    if (available <= inodes) return absl::OkStatus();
    const auto created = CreateFile(absl::StrFormat("%s/%d-%d", place, available, i));
    if (!created.ok()) return created.status();
    ::close(*created);
  }
}

absl::Status ForeignFiller::FreeInodes() {
  std::error_code error;
  std::filesystem::remove_all(directory_ + "/inodes", error);
  return error ? base::ErrnoStatus(error.value(), "free inodes") : absl::OkStatus();
}

absl::Status ForeignFiller::Free() {
  for (int& fd : pinned_fds_) CloseAndForget(fd);
  pinned_fds_.clear();
  TM_RETURN_IF_ERROR(Empty(filling_fd_, "/filling"));
  filling_bytes_ = 0;
  if (child_ <= 0 && grabbed_ != nullptr) {
    TM_RETURN_IF_ERROR(Empty(grab_fd_, "/grabbed"));
    grabbed_->bytes = 0;
    for (; grabbed_->inodes > 0; --grabbed_->inodes) {
      const std::string name = absl::StrFormat("i%d", grabbed_->inodes - 1);
      if (::unlinkat(grab_place_fd_, name.c_str(), 0) != 0) return base::ErrnoStatus(errno, "free");
    }
  }
  return FreeInodes();
}

absl::Status ForeignFiller::Empty(int& fd, const char* name) {
  if (fd < 0 || ::ftruncate(fd, 0) == 0) return absl::OkStatus();
  // btrfs: at the end of a quota nothing can be cut off, but everything unlinked.
  const std::string path = directory_ + name;
  if (::unlink(path.c_str()) != 0) return base::ErrnoStatus(errno, "free");
  CloseAndForget(fd);
  const int root = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) return base::ErrnoStatus(errno, "open directory");
  absl::StatusOr<int> made;
  const auto room = WaitFor(
      [&] {
        ::syncfs(root);
        made = CreateFile(path);
        return made.ok();
      },
      kLongWait, "btrfs to give the quota back what was unlinked");
  ::close(root);
  if (!room) return made.status();
  fd = *made;
  return absl::OkStatus();
}

absl::Status ForeignFiller::DeleteButKeepOpen() {
  if (::unlink((directory_ + "/filling").c_str()) != 0) return base::ErrnoStatus(errno, "unlink");
  pinned_fds_.push_back(filling_fd_);
  filling_bytes_ = 0;
  return OpenFilling();
}

std::int64_t ForeignFiller::grabbed_bytes() const { return grabbed_->bytes; }
std::int64_t ForeignFiller::grabbed_inodes() const { return grabbed_->inodes; }

absl::Status ForeignFiller::StartGrabbing(Prey prey) {
  if (child_ > 0) return absl::FailedPreconditionError("the neighbour is grabbing already");
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return base::ErrnoStatus(errno, "socketpair");
  }
  child_ = ::fork();
  if (child_ < 0) {
    const int error_number = errno;
    ::close(ends[0]);
    ::close(ends[1]);
    return base::ErrnoStatus(error_number, "fork");
  }
  if (child_ == 0) {
    ::close(ends[1]);
    GrabUntilStopped(ends[0], prey);
  }
  ::close(ends[0]);
  stop_fd_ = ends[1];
  // Until it says so the child still has our descriptors open, and takes nothing.
  char ready = 0;
  while (::read(stop_fd_, &ready, 1) < 0 && errno == EINTR) {
  }
  return absl::OkStatus();
}

void ForeignFiller::GrabUntilStopped(int stop_fd, Prey prey) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  CloseAllBut({stop_fd, grab_fd_, grab_place_fd_});
  // On a busy machine, too, it is there before the settle time is over. Best effort: root only.
  const sched_param first{.sched_priority = 1};
  static_cast<void>(::sched_setscheduler(0, SCHED_FIFO, &first));
  if (::write(stop_fd, "r", 1) != 1) ::_exit(1);
  std::int64_t position = grabbed_->bytes;
  pollfd stop{.fd = stop_fd, .events = POLLIN, .revents = 0};
  bool took = false;
  // Without a pause while there is something to take; else looks again every millisecond. The
  // socket is readable (closed) when the parent says stop, or died.
  while (::poll(&stop, 1, took ? 0 : 1) == 0) {
    if (prey == Prey::kInodes) {
      took = TakeAllInodes(grab_place_fd_, grabbed_->inodes);
    } else {
      took = TakeAllThereIs(grab_fd_, position);
      grabbed_->bytes = position;
    }
  }
  ::_exit(0);
}

absl::Status ForeignFiller::StopGrabbing() {
  if (child_ <= 0) return absl::OkStatus();
  CloseAndForget(stop_fd_);
  int status = 0;
  while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
  if (status != 0) return absl::InternalError(absl::StrFormat("the neighbour ended: %d", status));
  return absl::OkStatus();
}

}  // namespace tidemark::support
