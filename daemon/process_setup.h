// What every main does in its first line.
#pragma once

namespace tidemark::daemon {

// Turns off absl::Mutex's deadlock detection (54 ns a lock against 12), ignores SIGPIPE, sets the
// umask to 077, raises the soft limit of open files to the hard one.
void SetUpProcess();

}  // namespace tidemark::daemon
