#include <chrono>
#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/byte_size.h"
#include "base/status_macros.h"
#include "cli/color.h"
#include "cli/commands/commands.h"
#include "cli/commands/hello_refusals.h"
#include "cli/commands/next_step.h"
#include "cli/commands/volume_lookup.h"
#include "cli/json_object.h"
#include "cli/space_bar.h"
#include "cli/words.h"

namespace tidemark::cli {
namespace {

using sc::v1::Partition;
using sc::v1::PartitionStatus;

constexpr std::size_t kStatusBar = 40;

std::string SpuLine(const sc::v1::Spu& spu, bool colors) {
  const std::string reach =
      spu.attached()
          ? absl::StrFormat("session %d, last heard %s ago", spu.session(),
                            base::FormatDuration(std::chrono::milliseconds(spu.lease_age_ms())))
          : Painted("away since " + TimeText(spu.since_unix_ms()), Color::kWarning, colors);
  return absl::StrFormat("  %s at %s: %s\n", spu.id(), spu.grpc_endpoint(), reach);
}

// "" where what is shown is what is.
std::string LastKnown(const VolumeView& view) {
  if (!view.last_known()) return "";
  return absl::StrFormat(" (last known %s ago)",
                         base::FormatDuration(std::chrono::milliseconds(view.report_age_ms)));
}

// With its uuid where another has taken its place.
std::string PlaceOf(const VolumeView& view, const std::vector<VolumeView>& volumes) {
  const std::string name = NameOf(view, volumes);
  const std::string place = view.spu_id + ":" + view.volume.path();
  return name == place ? place : absl::StrFormat("%s (%s)", place, name);
}

std::string VolumeLines(const VolumeView& view, const std::vector<VolumeView>& volumes,
                        bool colors) {
  const space::v1::Volume& volume = view.volume;
  const Color color = VolumeColor(view);
  if (!view.reported) {
    return absl::StrFormat("  %s\n    %d partitions\n    %s\n", PlaceOf(view, volumes),
                           volume.partitions(), Painted(VerdictText(view), color, colors));
  }
  return absl::StrFormat(
      "  %s%s\n    %s %s free of %s, %d partitions\n    %s\n", PlaceOf(view, volumes),
      Painted(LastKnown(view), Color::kWarning, colors),
      Painted(SpaceBar(volume.reading(), volume.marks(), kStatusBar), color, colors),
      SizeText(volume.reading().available_bytes()), SizeText(volume.reading().total_bytes()),
      volume.partitions(), Painted(VerdictText(view), color, colors));
}

std::string PartitionLine(const sc::v1::ListPartitionsResponse& partitions, bool colors) {
  std::map<PartitionStatus, int> counts;
  int unreachable = 0;
  for (const Partition& partition : partitions.partitions()) {
    ++counts[partition.status()];
    if (!partition.reachable()) ++unreachable;
  }
  std::vector<std::string> parts;
  for (const auto& [status, count] : counts) {
    parts.push_back(
        Painted(absl::StrFormat("%d %s", count, StatusWord(status)), StatusColor(status), colors));
  }
  if (parts.empty()) return "  none yet\n";
  std::string line = "  " + absl::StrJoin(parts, ", ");
  if (unreachable > 0) line += absl::StrFormat(" (%d not reachable)", unreachable);
  return line + "\n";
}

// The episodes that are open, and what to type about them.
std::string EpisodeLines(const std::vector<VolumeView>& volumes) {
  std::string text;
  for (const VolumeView& view : volumes) {
    for (const int kind : view.volume.holds().held()) {
      if (kind != space::v1::HOLD_KIND_SPACE) continue;
      const auto& space = view.volume.holds().space();
      text += absl::StrFormat(
          "  %s:%s is out of %s since %s (episode %d)%s\n", view.spu_id, view.volume.path(),
          CauseWord(space.cause()), TimeText(space.since_unix_ms()), space.episode(),
          view.bytes_short > 0 ? ", " + ExactBytes(view.bytes_short) + " short" : "");
    }
  }
  return text;
}

absl::Status PrintStatusJson(Output& output, const sc::v1::ListSpusResponse& spus,
                             const sc::v1::ListPartitionsResponse& partitions) {
  output.out() << "{\"cluster\": ";
  TM_RETURN_IF_ERROR(output.PrintJson(spus));
  output.out() << ", \"partitions\": ";
  TM_RETURN_IF_ERROR(output.PrintJson(partitions));
  output.out() << "}\n";
  return absl::OkStatus();
}

absl::Status Status(Invocation& invocation) {
  const auto controller = invocation.Controller();
  TM_ASSIGN_OR_RETURN(const auto spus, controller.ListSpus());
  TM_ASSIGN_OR_RETURN(const auto partitions, controller.ListPartitions(""));
  Output& output = invocation.output;
  if (output.json()) return PrintStatusJson(output, spus, partitions);
  std::vector<VolumeView> volumes = ViewsOf(spus);
  // What the SPUs said since may not have been kept: nothing is shown as if it were fresh.
  if (spus.has_store_problem()) {
    for (VolumeView& view : volumes) view.reachable = false;
  }
  const bool colors = output.colors;
  std::ostream& out = output.out();
  out << absl::StrFormat("SC %s  cluster %s  store epoch %d\n", invocation.sc,
                         absl::BytesToHexString(spus.cluster_id()), spus.store_epoch());
  if (spus.has_store_problem()) {
    out << Painted("  " + spus.store_problem().why(), Color::kBad, colors) << '\n';
  }
  const HelloRefusals refused = FindHelloRefusals(invocation, spus);
  out << "\nSPUs\n";
  for (const auto& spu : spus.spus()) out << SpuLine(spu, colors);
  if (spus.spus().empty()) out << "  none has attached yet\n";
  for (const auto& [id, refusal] : refused) {
    out << absl::StrFormat("  %s: %s\n", id, Painted(RefusedText(refusal), Color::kBad, colors));
  }
  out << "\nVolumes  (# used  . free  F full  R goes on from here  L low)\n";
  for (const VolumeView& view : volumes) out << VolumeLines(view, volumes, colors);
  if (volumes.empty()) out << "  none reported\n";
  out << "\nPartitions\n" << PartitionLine(partitions, colors);
  if (const std::string episodes = EpisodeLines(volumes); !episodes.empty()) {
    out << "\nOut of space\n" << episodes;
  }
  out << "\nNext: " << NextStep(spus, partitions, refused) << '\n';
  return absl::OkStatus();
}

}  // namespace

void AddStatusCommand(Command& root, Invocation& invocation) {
  root.Sub("status", "The whole cluster on one screen")
      .Example("tidemark status", "")
      .Example("watch -c -n1 tidemark status", "live")
      .Runs([&invocation] { return Finish(invocation, Status(invocation)); });
}

}  // namespace tidemark::cli
