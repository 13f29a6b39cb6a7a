#include <chrono>
#include <memory>

#include "absl/strings/str_format.h"
#include "cli/client/health_probe.h"
#include "cli/commands/commands.h"
#include "cli/json_object.h"

namespace tidemark::cli {
namespace {

struct HealthOptions {
  std::string service;
  TimeSpan connect_timeout{std::chrono::seconds(1)};
  TimeSpan rpc_timeout{std::chrono::seconds(1)};
};

int Health(Invocation& invocation, const HealthOptions& options) {
  const std::string& endpoint = invocation.spu.empty() ? invocation.sc : invocation.spu;
  const auto probe = client::ProbeHealth(
      endpoint, options.service, options.connect_timeout.duration, options.rpc_timeout.duration);
  const bool serving = probe.answer == client::HealthAnswer::kServing;
  // An answer is data, also when it is no.
  if (invocation.output.json()) {
    if (serving || probe.answer == client::HealthAnswer::kNotServing) {
      invocation.output.Print(
          JsonObject().Add("service", options.service).Add("status", probe.detail).ToString());
    }
  } else if (serving) {
    invocation.output.Print("status: " + probe.detail);
  }
  if (!serving) {
    invocation.output.Error(absl::StrFormat(
        "%s: %s", options.service.empty() ? "service unhealthy" : options.service, probe.detail));
  }
  invocation.output.Flush();
  return static_cast<int>(probe.answer);
}

}  // namespace

void AddHealthCommand(Command& root, Invocation& invocation) {
  const auto options = std::make_shared<HealthOptions>();
  root.Sub("health", "Ask a daemon's health service, as grpc_health_probe does")
      .Example("tidemark health",
               "the SC; exit status 0 serving, 1 bad arguments, 2 cannot connect,\n"
               "      3 call failed or service unknown, 4 not serving")
      .Example("tidemark health --spu 127.0.0.1:7201 --service tidemark.log.v1.ProduceService",
               "4 while no partition there may be written")
      .Option("--service", options->service, "NAME", "empty: the whole daemon")
      .Option("--connect-timeout", options->connect_timeout, "(1s)")
      .Option("--rpc-timeout", options->rpc_timeout, "(1s)")
      .Runs([&invocation, options] { return Health(invocation, *options); });
}

}  // namespace tidemark::cli
