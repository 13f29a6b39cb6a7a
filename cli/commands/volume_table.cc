#include "cli/commands/volume_table.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "cli/space_bar.h"
#include "cli/words.h"

namespace tidemark::cli {
namespace {

constexpr std::size_t kBarWidth = 24;

using space::v1::Room;

std::string ReachWord(sc::v1::Reach reach) {
  switch (reach) {
    case sc::v1::REACH_UP:
      return "yes";
    case sc::v1::REACH_SYNCING:
      return "syncing";
    case sc::v1::REACH_DOWN:
      return "no";
    case sc::v1::REACH_ABSENT:
      return "absent";
    default:
      return absl::StrFormat("unknown reach %d", static_cast<int>(reach));
  }
}

bool IsFull(const space::v1::Volume& volume) {
  const auto& held = volume.holds().held();
  const bool space = std::find(held.begin(), held.end(), space::v1::HOLD_KIND_SPACE) != held.end();
  return space || (volume.reading().total_bytes() > 0 &&
                   volume.reading().available_bytes() < volume.marks().full_bytes());
}

// "-" where it does not fill to speak of: below this a number says more about log files and
// directory blocks than about records.
std::string TimeToFull(const space::v1::Volume& volume) {
  constexpr double kIdleBytesPerSecond = 1024;
  if (IsFull(volume)) return "full";
  const Room& room = volume.room();
  if (room.time_to_full_ms() < 0 || room.fill_bytes_per_second() < kIdleBytesPerSecond) return "-";
  return base::FormatDuration(std::chrono::milliseconds(room.time_to_full_ms()));
}

std::string Line(const char* name, const std::string& value) {
  return absl::StrFormat("  %-14s %s\n", name, value);
}

// Verdict and numbers of one that was reported.
std::string Told(const VolumeView& view) {
  const space::v1::Volume& volume = view.volume;
  const space::v1::Marks& marks = volume.marks();
  const Room& room = volume.room();
  std::string text =
      Line("verdict", absl::StrFormat("%s, generation %d, %d episodes so far", VerdictText(view),
                                      volume.generation(), volume.episodes()));
  if (volume.holds().has_space() && volume.holds().space().episode() > 0) {
    text += Line("since", TimeText(volume.holds().space().since_unix_ms()));
  }
  text += Line("space", SpaceBar(volume.reading(), marks, kBarWidth * 2));
  text += Line(
      "available",
      absl::StrFormat("%s of %s on %s", ExactBytes(volume.reading().available_bytes()),
                      SizeText(volume.reading().total_bytes()), volume.reading().file_system()));
  if (volume.reading().counts_inodes()) {
    text += Line("inodes", absl::StrFormat("%d of %d", volume.reading().available_inodes(),
                                           volume.reading().total_inodes()));
  }
  text +=
      Line("marks", absl::StrFormat("full below %s, goes on from %s, warns below %s",
                                    SizeText(marks.full_bytes()), SizeText(marks.resume_bytes()),
                                    SizeText(marks.low_bytes())));
  text +=
      Line("room held", absl::StrFormat("reserve %s, %d steps (%s)", SizeText(room.reserve_bytes()),
                                        room.steps(), SizeText(room.steps_bytes())));
  text += Line("write budget",
               room.budget_valid() ? SizeText(room.budget_bytes()) : "no valid reading");
  text += Line("fill rate",
               absl::StrFormat("%s/s, %s%s",
                               SizeText(static_cast<std::int64_t>(room.fill_bytes_per_second())),
                               IsFull(volume) ? "" : "time to full ", TimeToFull(volume)));
  if (view.bytes_short > 0) text += Line("short of", ExactBytes(view.bytes_short));
  return text;
}

}  // namespace

VolumeView ViewOf(const sc::v1::ScVolume& from, const sc::v1::Spu& spu) {
  VolumeView view;
  view.spu_id = spu.id();
  view.endpoint = spu.grpc_endpoint();
  view.reach = ReachWord(from.reach());
  view.reachable = from.reach() == sc::v1::REACH_UP;
  view.absent = from.reach() == sc::v1::REACH_ABSENT;
  view.bytes_short = from.bytes_short();
  view.reported = from.reported() || IsHeld(from.holds(), from.device_faults());
  view.report_age_ms = view.reported ? from.report_age_ms() : -1;
  space::v1::Volume& volume = view.volume;
  volume.set_uuid(from.uuid());
  volume.set_path(from.path());
  volume.set_generation(from.generation());
  *volume.mutable_holds() = from.holds();
  *volume.mutable_device_faults() = from.device_faults();
  *volume.mutable_marks() = from.marks();
  *volume.mutable_reading() = from.reading();
  *volume.mutable_room() = from.room();
  if (from.has_last_proof()) *volume.mutable_last_proof() = from.last_proof();
  volume.set_partitions(from.partitions());
  volume.set_episodes(from.episodes());
  // With no holds it was told once open, and is so while the SC hears of it.
  volume.set_accepting(view.reachable && from.reported() &&
                       !IsHeld(from.holds(), from.device_faults()));
  if (!view.reported) volume.set_not_ready("no report yet");
  return view;
}

VolumeView ViewOf(const space::v1::Volume& volume, const std::string& spu_id,
                  const std::string& endpoint) {
  VolumeView view;
  view.spu_id = spu_id;
  view.endpoint = endpoint;
  view.volume = volume;
  return view;
}

std::string VerdictText(const VolumeView& view) {
  if (!view.reported) return "Unknown (no report yet)";
  if (!view.last_known()) return VerdictText(view.volume);
  return absl::StrFormat("Unknown (was %s)",
                         HoldsText(view.volume.holds(), view.volume.device_faults()));
}

Color VolumeColor(const VolumeView& view) {
  if (IsHeld(view.volume.holds(), view.volume.device_faults())) return Color::kBad;
  return view.reachable && view.volume.accepting() ? Color::kGood : Color::kWarning;
}

Table VolumeTable(const std::vector<VolumeView>& volumes) {
  Table table({{"VOLUME"},
               {"SPU"},
               {"REACHABLE"},
               {"SPACE"},
               {"FREE", Align::kRight},
               {"OF", Align::kRight},
               {"TIME-TO-FULL", Align::kRight},
               {"PARTITIONS", Align::kRight},
               {"HOLDS"}});
  for (const VolumeView& view : volumes) {
    const space::v1::Volume& volume = view.volume;
    const Color color = VolumeColor(view);
    table.AddRow(
        {volume.path(),
         view.spu_id,
         {view.reach.empty() ? "yes" : view.reach, view.reachable ? Color::kNone : Color::kWarning},
         {view.reported ? SpaceBar(volume.reading(), volume.marks(), kBarWidth) : "-", color},
         SizeText(view.reported ? volume.reading().available_bytes() : -1),
         SizeText(view.reported ? volume.reading().total_bytes() : -1),
         TimeToFull(volume),
         std::to_string(volume.partitions()),
         {VerdictText(view), color}});
  }
  return table;
}

std::string Described(const VolumeView& view) {
  const space::v1::Volume& volume = view.volume;
  std::string text =
      absl::StrFormat("Volume %s (%s) on SPU %s\n", volume.path(), volume.uuid(), view.spu_id);
  if (!view.reach.empty()) text += Line("reachable", view.reach);
  if (view.report_age_ms >= 0) {
    text +=
        Line("told by",
             absl::StrFormat("the SC, from a report %s old",
                             base::FormatDuration(std::chrono::milliseconds(view.report_age_ms))));
  }
  text += view.reported ? Told(view) : Line("verdict", VerdictText(view));
  text += Line("partitions", std::to_string(volume.partitions()));
  if (volume.has_last_proof()) text += Line("last proof", ProofText(volume.last_proof()));
  return text;
}

}  // namespace tidemark::cli
