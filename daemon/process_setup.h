// What every main does first: the process as it wants it, and whether this user may run it.
#pragma once

#include "absl/status/status.h"

namespace tidemark::daemon {

// Turns off absl::Mutex's deadlock detection (54 ns a lock against 12), ignores SIGPIPE, sets the
// umask to 077, raises the soft limit of open files to the hard one.
void SetUpProcess();

// kFailedPrecondition as root, who may use the blocks a filesystem keeps back from others and so
// fills a disk that statvfs calls full; unless that was allowed (--allow-root).
absl::Status RefuseRoot(bool allow_root);

}  // namespace tidemark::daemon
