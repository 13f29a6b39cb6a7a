#include <chrono>
#include <memory>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "base/status_macros.h"
#include "cli/commands/commands.h"
#include "cli/commands/hello_refusals.h"
#include "cli/commands/volume_table.h"
#include "cli/table.h"
#include "cli/words.h"
#include "daemon/nearest_name.h"

namespace tidemark::cli {
namespace {

using sc::v1::Spu;

std::string LeaseText(const Spu& spu) {
  if (!spu.attached()) return "-";
  return base::FormatDuration(std::chrono::milliseconds(spu.lease_age_ms()));
}

absl::Status ListSpus(Invocation& invocation) {
  TM_ASSIGN_OR_RETURN(const auto response, invocation.Controller().ListSpus());
  if (invocation.output.json()) return invocation.output.PrintJson(response);
  Table table({{"ID"},
               {"REACHABLE"},
               {"SESSION", Align::kRight},
               {"INCARNATION", Align::kRight},
               {"VOLUMES", Align::kRight},
               {"LEASE-AGE", Align::kRight},
               {"ENDPOINT"},
               {"VERSION"}});
  for (const Spu& spu : response.spus()) {
    table.AddRow({spu.id(),
                  {ReachableText(spu.attached(), spu.since_unix_ms()),
                   spu.attached() ? Color::kGood : Color::kWarning},
                  std::to_string(spu.session()),
                  std::to_string(spu.boot_count()),
                  std::to_string(spu.volumes_size()),
                  LeaseText(spu),
                  spu.grpc_endpoint(),
                  spu.version()});
  }
  if (table.empty()) {
    invocation.output.Note("no SPU has attached to this SC yet");
    for (const auto& [id, refusal] : FindHelloRefusals(invocation, response)) {
      invocation.output.Note(absl::StrFormat("%s: %s", id, RefusedText(refusal)));
    }
  }
  invocation.output.Print(table);
  return absl::OkStatus();
}

struct Found {
  Spu spu;
  std::string refused;  // why it is not attached, if the SC refused it
};

absl::StatusOr<Found> Find(Invocation& invocation, const std::string& id) {
  TM_ASSIGN_OR_RETURN(const auto response, invocation.Controller().ListSpus());
  const HelloRefusals refusals = FindHelloRefusals(invocation, response);
  const auto refusal = refusals.find(id);
  const std::string refused = refusal == refusals.end() ? "" : RefusedText(refusal->second);
  std::vector<std::string> known;
  for (const Spu& spu : response.spus()) {
    if (spu.id() == id) return Found{spu, refused};
    known.push_back(spu.id());
  }
  if (!refused.empty()) {
    return absl::NotFoundError(absl::StrFormat("there is no SPU '%s': it was %s", id, refused));
  }
  const auto nearest = daemon::NearestName(id, known);
  return absl::NotFoundError(
      absl::StrFormat("there is no SPU '%s'%s", id,
                      nearest ? absl::StrFormat(": did you mean '%s'?", *nearest) : ""));
}

absl::Status DescribeSpu(Invocation& invocation, const std::string& id) {
  TM_ASSIGN_OR_RETURN(const Found found, Find(invocation, id));
  const Spu& spu = found.spu;
  if (invocation.output.json()) return invocation.output.PrintJson(spu);
  invocation.output.Print(absl::StrFormat(
      "SPU %s (%s)\n  reachable    %s\n  session      %d\n  incarnation  %d\n  lease age    %s\n"
      "  gRPC         %s\n  HTTP         %s\n  version      %s\n%s",
      spu.id(), spu.uuid(), ReachableText(spu.attached(), spu.since_unix_ms()), spu.session(),
      spu.boot_count(), LeaseText(spu), spu.grpc_endpoint(), spu.http_endpoint(), spu.version(),
      found.refused.empty() ? "" : absl::StrFormat("  Hello        %s\n", found.refused)));
  std::vector<VolumeView> volumes;
  for (const auto& volume : spu.volumes()) volumes.push_back(ViewOf(volume, spu));
  invocation.output.Print(VolumeTable(volumes));
  return absl::OkStatus();
}

absl::Status Replace(Invocation& invocation, const std::string& id) {
  TM_ASSIGN_OR_RETURN(const auto response, invocation.Controller().ReplaceSpu(id));
  if (invocation.output.json()) return invocation.output.PrintJson(response);
  invocation.output.Note(
      absl::StrFormat("SPU id %s is free for a new machine (it was %s)", id, response.old_uuid()));
  return absl::OkStatus();
}

}  // namespace

void AddSpuCommands(Command& root, Invocation& invocation) {
  Command spu = root.Sub("spu", "The agents, one on each node");
  const auto id = std::make_shared<std::string>();
  spu.Sub("list", "List the SPUs").Example("tidemark spu list", "").Runs([&invocation] {
    return Finish(invocation, ListSpus(invocation));
  });
  spu.Sub("describe", "Show one SPU and its volumes")
      .Example("tidemark spu describe node-7", "")
      .Positional("SPU", *id, "its id")
      .Runs([&invocation, id] { return Finish(invocation, DescribeSpu(invocation, *id)); });
  spu.Sub("replace", "Let another machine take over an SPU's id")
      .Example("tidemark spu replace node-7", "after the machine was replaced for good")
      .Positional("SPU", *id, "its id")
      .Runs([&invocation, id] { return Finish(invocation, Replace(invocation, *id)); });
}

}  // namespace tidemark::cli
