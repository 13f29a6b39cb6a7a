// What the shim looks at: the log it shares with the driver, and the paths below which calls count.
//
// Threading: any thread; set before the program's first instruction.
// Errors:    a log that cannot be mapped ends the program with 70.
#pragma once

#include <dlfcn.h>

#include <climits>
#include <cstdint>

#include "tests/integration/faults/fault_log.h"

namespace tidemark::faults {

// nullptr: the program runs as if there were no shim.
FaultLog* SharedLog();

// Below one of the directories, or one of them itself.
bool InScope(const char* path);

// Where a descriptor's file is (or was: " (deleted)" is appended then). False also without a log.
bool PathOf(int fd, char (&path)[PATH_MAX]);

// 0: there is no such file.
std::uint64_t KeyOf(int fd);
std::uint64_t KeyOf(const char* path);

// libc's own.
template <typename Function>
Function* Next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace tidemark::faults
