#include <pwd.h>
#include <unistd.h>

#include <memory>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "cli/commands/commands.h"
#include "cli/commands/explain.h"
#include "cli/commands/volume_lookup.h"
#include "cli/commands/volume_table.h"
#include "cli/partition_lookup.h"
#include "cli/words.h"

namespace tidemark::cli {
namespace {

using space::v1::ReclaimStep;

absl::Status ListVolumes(Invocation& invocation) {
  if (!invocation.spu.empty()) {
    TM_ASSIGN_OR_RETURN(const auto response, invocation.Spu(invocation.spu).ListVolumes());
    if (invocation.output.json()) return invocation.output.PrintJson(response);
    std::vector<VolumeView> views;
    for (const auto& volume : response.volumes()) {
      views.push_back(ViewOf(volume, response.spu_id(), invocation.spu));
    }
    invocation.output.Print(VolumeTable(views));
    return absl::OkStatus();
  }
  TM_ASSIGN_OR_RETURN(const auto spus, invocation.Controller().ListSpus());
  if (invocation.output.json()) return invocation.output.PrintJson(spus);
  invocation.output.Print(VolumeTable(ViewsOf(spus)));
  return absl::OkStatus();
}

absl::Status DescribeVolume(Invocation& invocation, const std::string& name) {
  TM_ASSIGN_OR_RETURN(VolumeView view, FindVolume(invocation, name));
  // Its SPU knows it freshest; without it the SC's last report must do.
  const auto fresh = invocation.Spu(view.endpoint).ListVolumes();
  if (fresh.ok()) {
    for (const auto& volume : fresh->volumes()) {
      // Of one that could not be opened its SPU knows the path only.
      const bool same = volume.uuid().empty() ? volume.path() == view.volume.path()
                                              : volume.uuid() == view.volume.uuid();
      if (!same) continue;
      view.volume = volume;
      view.reported = true;
      view.report_age_ms = -1;
    }
  } else {
    invocation.output.Note(
        absl::StrFormat("the SPU cannot be asked: %s", fresh.status().message()));
  }
  if (invocation.output.json()) return invocation.output.PrintJson(view.volume);
  invocation.output.out() << Described(view);
  return absl::OkStatus();
}

Table StepTable(const google::protobuf::RepeatedPtrField<ReclaimStep>& steps) {
  Table table({{"#", Align::kRight},
               {"ACTION"},
               {"PARTITION"},
               {"SEGMENT"},
               {"GIVES", Align::kRight},
               {"BECAUSE"}});
  int number = 0;
  for (const ReclaimStep& step : steps) {
    table.AddRow({std::to_string(++number), step.action(),
                  step.topic().empty() ? absl::StrFormat("id %d", step.partition_id())
                                       : PartitionName(step.topic(), step.partition()),
                  step.segment(), SizeText(step.expected_bytes()), step.policy()});
  }
  return table;
}

absl::Status Plan(Invocation& invocation, const std::string& name) {
  TM_ASSIGN_OR_RETURN(const VolumeView view, FindVolume(invocation, name));
  TM_ASSIGN_OR_RETURN(const auto plan,
                      invocation.Spu(view.endpoint).PlanReclaim(view.volume.uuid()));
  if (invocation.output.json()) return invocation.output.PrintJson(plan);
  if (plan.steps_size() > 0) invocation.output.Print(StepTable(plan.steps()));
  invocation.output.Print(absl::StrFormat(
      "would give %s; wanted %s, up to the low mark (%s). Writes go on from the resume mark (%s): "
      "`tidemark volume explain` counts to there",
      ExactBytes(plan.expected_bytes()), ExactBytes(plan.wanted_bytes()),
      SizeText(view.volume.marks().low_bytes()), SizeText(view.volume.marks().resume_bytes())));
  if (plan.expected_bytes() < plan.wanted_bytes()) {
    invocation.output.Print(absl::StrFormat(
        "needs an operator: policy allows %s less than wanted. Trim or delete something:\n"
        "  tidemark partition list\n  tidemark trim TOPIC/PARTITION --before OFFSET",
        ExactBytes(plan.wanted_bytes() - plan.expected_bytes())));
  } else if (plan.steps_size() > 0) {
    invocation.output.Print("to do it now: tidemark volume reclaim " + view.volume.path());
  }
  return absl::OkStatus();
}

absl::Status Reclaim(Invocation& invocation, const std::string& name) {
  TM_ASSIGN_OR_RETURN(const VolumeView view, FindVolume(invocation, name));
  TM_ASSIGN_OR_RETURN(const auto done, invocation.Spu(view.endpoint).Reclaim(view.volume.uuid()));
  if (invocation.output.json()) return invocation.output.PrintJson(done);
  if (done.done_size() > 0) invocation.output.Print(StepTable(done.done()));
  invocation.output.Print(absl::StrFormat("freed %s, gain seen %s", ExactBytes(done.freed_bytes()),
                                          ExactBytes(done.observed_gain_bytes())));
  if (done.bytes_short() > 0) {
    invocation.output.Print(
        absl::StrFormat("still %s short, and policy allows no more: tidemark volume explain %s",
                        ExactBytes(done.bytes_short()), view.volume.path()));
  }
  return absl::OkStatus();
}

std::string UserName() {
  const passwd* entry = getpwuid(getuid());
  return entry != nullptr ? entry->pw_name : absl::StrFormat("uid %d", getuid());
}

absl::Status Hold(Invocation& invocation, const std::string& name, const std::string& why) {
  TM_ASSIGN_OR_RETURN(const VolumeView view, FindVolume(invocation, name));
  TM_ASSIGN_OR_RETURN(const auto held,
                      invocation.Spu(view.endpoint).Hold(view.volume.uuid(), UserName(), why));
  if (invocation.output.json()) return invocation.output.PrintJson(held);
  invocation.output.Note(
      absl::StrFormat("%s is held, generation %d; to lift it: tidemark volume release %s",
                      view.volume.path(), held.generation(), view.volume.path()));
  return absl::OkStatus();
}

absl::Status Release(Invocation& invocation, const std::string& name) {
  TM_ASSIGN_OR_RETURN(const VolumeView view, FindVolume(invocation, name));
  TM_ASSIGN_OR_RETURN(const auto released,
                      invocation.Spu(view.endpoint).Release(view.volume.uuid(), UserName()));
  if (invocation.output.json()) return invocation.output.PrintJson(released);
  invocation.output.Note(absl::StrFormat("the operator hold on %s is lifted, generation %d",
                                         view.volume.path(), released.generation()));
  return absl::OkStatus();
}

}  // namespace

void AddVolumeCommands(Command& root, Invocation& invocation) {
  constexpr char kWhich[] = "path, uuid (or its beginning), or SPU:PATH";
  Command volume = root.Sub("volume", "Disks: their space, and why one may not be written");
  const auto name = std::make_shared<std::string>();
  const auto why = std::make_shared<std::string>();
  using Action = absl::Status (*)(Invocation&, const std::string&);
  const auto runs = [&invocation, name](Action action) {
    return [&invocation, name, action] { return Finish(invocation, action(invocation, *name)); };
  };
  volume.Sub("list", "List volumes with their space and holds")
      .Example("tidemark volume list", "# used  . free  F full  R goes on from here  L low")
      .Runs([&invocation] { return Finish(invocation, ListVolumes(invocation)); });
  volume.Sub("describe", "Show one volume: marks, room, budget, fill rate, last proof")
      .Example("tidemark volume describe /var/lib/tidemark/a", "")
      .OptionalPositional("VOLUME", *name, kWhich)
      .Runs(runs(&DescribeVolume));
  volume.Sub("explain", "Why is it not Online, and what exactly must be done")
      .Example("tidemark volume explain", "the only volume, or the only one that is not Ready")
      .Example("tidemark volume explain node-7:/var/lib/tidemark/a", "")
      .Example("tidemark volume explain orders/3", "the volume of a partition, and itself")
      .OptionalPositional("VOLUME", *name,
                          "path, uuid (or its beginning), SPU:PATH, or a partition")
      .Runs(runs(&ExplainVolume));
  volume.Sub("plan", "What a reclaim would delete, without doing it")
      .Example("tidemark volume plan", "")
      .OptionalPositional("VOLUME", *name, kWhich)
      .Runs(runs(&Plan));
  volume.Sub("reclaim", "Delete now what policy allows, until the volume may go on")
      .Example("tidemark volume reclaim /var/lib/tidemark/a", "see `volume plan` first")
      .OptionalPositional("VOLUME", *name, kWhich)
      .Runs(runs(&Reclaim));
  volume.Sub("hold", "Stop writes to a volume, for maintenance")
      .Example("tidemark volume hold /var/lib/tidemark/a --why 'disk swap'", "")
      .Positional("VOLUME", *name, kWhich)
      .Option("--why", *why, "TEXT", "shown wherever the hold is shown")
      .Required()
      .Runs([&invocation, name, why] { return Finish(invocation, Hold(invocation, *name, *why)); });
  volume.Sub("release", "Lift an operator's hold; other holds stay")
      .Example("tidemark volume release /var/lib/tidemark/a", "")
      .Positional("VOLUME", *name, kWhich)
      .Runs(runs(&Release));
}

}  // namespace tidemark::cli
