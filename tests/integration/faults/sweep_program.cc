#include "tests/integration/faults/sweep_program.h"

#include <chrono>
#include <filesystem>

#include "base/status_macros.h"
#include "tests/support/command.h"

namespace tidemark::faults {

absl::StatusOr<std::string> RunSweepProgram(const std::string& kinds, int stride) {
  constexpr int kCannotMountHere = 75;
  // The program lies beside its tests.
  const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  support::CommandOptions options;
  options.deadline = std::chrono::minutes(14);
  TM_ASSIGN_OR_RETURN(const auto result,
                      support::RunCommand({here / "tidemark-faults", "--sweep", kinds, "--stride",
                                           std::to_string(stride), "--json"},
                                          options));
  if (result.exit.code == kCannotMountHere) return absl::UnimplementedError(result.errors);
  if (!result.exit.clean()) return absl::InternalError(result.ToString());
  return result.output;
}

}  // namespace tidemark::faults
