#include "daemon/process_setup.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "absl/synchronization/mutex.h"

namespace tidemark::daemon {

void SetUpProcess() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  std::signal(SIGPIPE, SIG_IGN);
  umask(077);
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);  // the soft limit is still a working one if this fails
  }
}

absl::Status RefuseRoot(bool allow_root) {
  if (geteuid() != 0 || allow_root) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "refusing to run as root, who may use the blocks the filesystem keeps back from others and "
      "so can fill a disk that statvfs calls full: run as another user, or say --allow-root true");
}

}  // namespace tidemark::daemon
