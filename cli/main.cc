#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "cli/app.h"
#include "cli/color.h"
#include "daemon/process_setup.h"

int main(int argc, char** argv) {
  tidemark::daemon::SetUpProcess();
  // gRPC's own log lines are no messages for a person; ours say what could not be reached.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  std::ios::sync_with_stdio(false);
  std::cin.tie(nullptr);
  return tidemark::cli::RunTidemark(
      std::vector<std::string>(argv + 1, argv + argc),
      {std::cin, std::cout, std::cerr, tidemark::cli::WantsColor(STDOUT_FILENO)});
}
