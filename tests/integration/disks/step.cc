#include "tests/integration/disks/step.h"

#include <chrono>
#include <string>

#include "base/clock.h"
#include "base/errno_status.h"

namespace tidemark::disks {

absl::Status TakeStep(std::string_view name, Tally& tally, absl::FunctionRef<absl::Status()> step) {
  const base::SystemClock clock;
  const base::MonotonicTime begun = clock.Now();
  const absl::Status status = base::Annotate(step(), std::string(name));
  tally.Count("ms_" + std::string(name), (clock.Now() - begun) / std::chrono::milliseconds(1));
  return status;
}

absl::Status Expect(bool condition, std::string_view what) {
  return condition ? absl::OkStatus() : absl::InternalError(std::string(what));
}

}  // namespace tidemark::disks
