// What the command's exit status means. Documented in `tidemark --help`; scripts rely on it.
#pragma once

#include "absl/status/status.h"

namespace tidemark::cli {

enum class ExitCode : int {
  kOk = 0,
  kFailed = 1,        // damaged data, or an error of our own
  kUsage = 2,         // the request is wrong: unknown word, topic, offset
  kOutOfSpace = 10,   // refused, because a volume is full
  kUnavailable = 69,  // the SC or an SPU cannot be reached, or did not answer
  kTryAgain = 75,     // refused for a reason that passes without anybody freeing space
  kConfig = 78,       // a setting is wrong
};

ExitCode ExitCodeOf(const absl::Status& status);

}  // namespace tidemark::cli
