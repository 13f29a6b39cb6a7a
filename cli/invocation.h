// One run of the command: where it reads and writes, whom it asks, and how it ends.
//
// Lifetime:  outlives the CommandTree of the run.
// Threading: confined; the clients it gives may be used from any thread.
#pragma once

#include <iosfwd>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "cli/client/controller_client.h"
#include "cli/client/spu_client.h"
#include "cli/command.h"
#include "cli/output.h"

namespace tidemark::cli {

inline constexpr char kDefaultController[] = "127.0.0.1:7101";

struct Invocation {
  Invocation(std::istream& input, std::ostream& out, std::ostream& err)
      : in(input), output(out, err) {}

  std::istream& in;
  Output output;
  std::string sc = kDefaultController;
  std::string spu;  // set: ask this SPU and leave the SC out
  std::string format = "table";
  TimeSpan timeout{client::kCallDeadline};

  client::ControllerClient Controller() const {
    return client::ControllerClient(sc, timeout.duration);
  }
  client::SpuClient Spu(const std::string& endpoint) const {
    return client::SpuClient(endpoint, timeout.duration);
  }
};

// Prints the error, if it is one, and gives the exit status.
int Finish(Invocation& invocation, const absl::Status& status);

}  // namespace tidemark::cli
