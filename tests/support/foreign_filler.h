// A neighbour on the volume: takes space and inodes that are not ours, and gives them back.
//
// In-process calls act at once. StartGrabbing() forks a child that takes whatever becomes free, at
// the speed of the device, until told to stop; what it took stays taken until Free().
//
// Lifetime:  frees everything and stops the child when destroyed.
// Threading: any thread (a FaultRule hook may call it), one at a time.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tidemark::support {

class ForeignFiller {
 public:
  // Works in `directory`/foreign-<n>, made here (so make it while there is an inode left).
  static absl::StatusOr<std::unique_ptr<ForeignFiller>> Create(const std::string& directory);
  ~ForeignFiller();
  ForeignFiller(const ForeignFiller&) = delete;
  ForeignFiller& operator=(const ForeignFiller&) = delete;

  // Until at most `bytes` are available (f_bavail; as root also the reserved blocks count as
  // takeable). Gives nothing back if less is available already.
  absl::Status FillUntilLeft(std::int64_t bytes);
  absl::Status FillCompletely();
  // Exactly this much more, or kResourceExhausted.
  absl::Status Take(std::int64_t bytes);
  absl::Status TakeInodesUntilLeft(std::int64_t inodes);

  // Everything: bytes, inodes, pins, and what the child grabbed, unless it is grabbing still.
  absl::Status Free();
  absl::Status FreeInodes();  // only what TakeInodesUntilLeft took
  // Unlinks the filling but keeps it open: the space is gone and no name shows why. Free() closes.
  absl::Status DeleteButKeepOpen();

  // Closes its files, which stay, so that the filesystem can be unmounted; and opens them again.
  // Not while it grabs or holds deleted files.
  void LetGo();
  absl::Status ComeBack();

  enum class Prey : std::uint8_t { kBytes, kInodes };
  absl::Status StartGrabbing(Prey prey = Prey::kBytes);
  absl::Status StopGrabbing();
  std::int64_t grabbed_bytes() const;   // by the child, so far
  std::int64_t grabbed_inodes() const;  // likewise

  static absl::StatusOr<std::int64_t> AvailableBytes(const std::string& path);
  static absl::StatusOr<std::int64_t> AvailableInodes(const std::string& path);

 private:
  explicit ForeignFiller(std::string directory);
  absl::Status OpenFilling();
  absl::Status Empty(int& fd, const char* name);
  struct Grabbed;  // shared with the child
  [[noreturn]] void GrabUntilStopped(int stop_fd, Prey prey);

  std::string directory_;
  int filling_fd_ = -1;
  std::int64_t filling_bytes_ = 0;
  std::vector<int> pinned_fds_;
  int grab_fd_ = -1;        // a file that grows
  int grab_place_fd_ = -1;  // a directory for many files
  pid_t child_ = -1;
  int stop_fd_ = -1;
  Grabbed* grabbed_ = nullptr;
};

}  // namespace tidemark::support
