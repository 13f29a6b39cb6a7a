#include "cli/invocation.h"

#include "absl/strings/str_format.h"
#include "cli/exit_code.h"

namespace tidemark::cli {

int Finish(Invocation& invocation, const absl::Status& status) {
  invocation.output.Flush();
  if (!status.ok()) {
    invocation.output.Error(absl::StrFormat("%s", status.message()));
  }
  return static_cast<int>(ExitCodeOf(status));
}

}  // namespace tidemark::cli
