#include "cli/commands/explanation_text.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "cli/commands/partition_advice.h"
#include "cli/space_bar.h"
#include "cli/words.h"

namespace tidemark::cli {
namespace {

using space::v1::Volume;

constexpr std::size_t kExplanationBar = 48;

std::string Milliseconds(std::int64_t ms) {
  return base::FormatDuration(std::chrono::milliseconds(ms));
}

// With nothing available, root may have gone on into what is kept for it: nobody may know how far.
std::string_view AtLeast(const Volume& volume) {
  return volume.has_reading() && volume.reading().available_bytes() == 0 ? "at least " : "";
}

std::string SinceText(std::int64_t unix_ms) { return "since " + TimeText(unix_ms); }

std::string DeviceLine(const space::v1::DeviceHold& hold) {
  return absl::StrFormat("  device     %s%s, %s\n", DeviceCauseWord(hold.cause()),
                         hold.detail().empty() ? "" : ": " + hold.detail(),
                         SinceText(hold.since_unix_ms()));
}

std::string HoldLine(int kind, const space::v1::Holds& holds) {
  switch (kind) {
    case space::v1::HOLD_KIND_SPACE:
      return absl::StrFormat(
          "  cause      out of %s, episode %d, %s%s\n", CauseWord(holds.space().cause()),
          holds.space().episode(), SinceText(holds.space().since_unix_ms()),
          holds.space().unproven() ? " (unproven: held until it is shown that there is room)" : "");
    case space::v1::HOLD_KIND_BLIND:
      return absl::StrFormat("  blind      %s, %s\n", holds.blind().reason(),
                             SinceText(holds.blind().since_unix_ms()));
    case space::v1::HOLD_KIND_OPERATOR:
      return absl::StrFormat("  operator   %s: %s, %s\n", holds.operator_().who(),
                             holds.operator_().why(), SinceText(holds.operator_().since_unix_ms()));
    case space::v1::HOLD_KIND_DEVICE:
      return DeviceLine(holds.device());
    default:
      return "";  // the verdict names it
  }
}

// The verdict, its cause and the numbers it rests on. `marks_set_by` "": not known.
std::string FactsText(const Volume& volume, const std::string& spu_id, const std::string& verdict,
                      const std::string& marks_set_by) {
  std::string text = absl::StrFormat("%s on SPU %s: %s\n", volume.path(), spu_id, verdict);
  for (const int kind : volume.holds().held()) text += HoldLine(kind, volume.holds());
  for (const auto& fault : volume.device_faults()) text += DeviceLine(fault);
  const auto& reading = volume.reading();
  const auto& marks = volume.marks();
  text += absl::StrFormat("  space      %s\n", SpaceBar(reading, marks, kExplanationBar));
  text += absl::StrFormat("  available  %s of %s\n", ExactBytes(reading.available_bytes()),
                          SizeText(reading.total_bytes()));
  text += absl::StrFormat("  marks      full below %s, goes on from %s%s\n",
                          ExactBytes(marks.full_bytes()), ExactBytes(marks.resume_bytes()),
                          marks_set_by.empty() ? "" : "; set by " + marks_set_by);
  if (reading.counts_inodes()) {
    text += absl::StrFormat("  inodes     %d available, full below %d, goes on from %d\n",
                            reading.available_inodes(), marks.full_inodes(), marks.resume_inodes());
  }
  return text;
}

// What only the SPU itself knows.
std::string SpuText(const space::v1::Explanation& explanation) {
  std::string text =
      absl::StrFormat("  accepting  %s\n", explanation.volume().accepting() ? "yes" : "no");
  if (!explanation.episode_began().empty()) {
    text += absl::StrFormat("  began      %s\n", explanation.episode_began());
  }
  if (!explanation.reading_fault().empty()) {
    text += absl::StrFormat("  reading    the newest is none: %s\n", explanation.reading_fault());
  }
  if (explanation.reclaim_running()) {
    text += "  reclaim    running\n";
  } else if (explanation.reclaim_needs_operator() && explanation.reclaim_bytes_short() > 0) {
    text += absl::StrFormat(
        "  reclaim    needs an operator: policy allows no more, %s%s short of the resume mark\n",
        AtLeast(explanation.volume()), ExactBytes(explanation.reclaim_bytes_short()));
  } else if (explanation.reclaim_needs_operator()) {
    text += "  reclaim    needs an operator: policy allows no more\n";
  }
  if (!explanation.released_by().empty()) {
    text += absl::StrFormat("  released   by %s, %s\n", explanation.released_by(),
                            TimeText(explanation.released_unix_ms()));
  }
  return text;
}

// Plan counts to another mark: say to which this one does.
std::string ShortText(std::int64_t bytes, const Volume& volume) {
  return absl::StrFormat(
      "  short      %s%s, up to the resume mark (%s) and the room still to take\n", AtLeast(volume),
      ExactBytes(bytes), SizeText(volume.marks().resume_bytes()));
}

std::string ProgressText(const space::v1::ProofProgress& proof, const Volume& volume) {
  std::string text = "\nProof that the space is really there\n";
  text += absl::StrFormat("  %-10s step %s\n", proof.running() ? "running" : "stopped at",
                          ProofStepText(proof.step()));
  if (!proof.message().empty()) text += absl::StrFormat("  because    %s\n", proof.message());
  if (proof.readings_wanted() > 0) {
    text += absl::StrFormat("  readings   %d of %d, good for %s of %s\n",
                            std::min(proof.readings_seen(), proof.readings_wanted()),
                            proof.readings_wanted(), Milliseconds(proof.settled_ms()),
                            Milliseconds(proof.settle_ms()));
  }
  if (proof.bytes_short() > 0) {
    text += ShortText(proof.bytes_short(), volume);
  }
  if (proof.inodes_short() > 0) {
    text += absl::StrFormat("  short      %d inodes\n", proof.inodes_short());
  }
  if (!proof.running()) {
    text += absl::StrFormat("  next try   in %s (%d so far)\n", Milliseconds(proof.next_try_ms()),
                            proof.tries());
  }
  return text;
}

}  // namespace

std::string ExplanationText(const space::v1::Explanation& explanation, const std::string& spu_id) {
  const Volume& volume = explanation.volume();
  std::string text = FactsText(volume, spu_id, VerdictText(volume), explanation.marks_set_by()) +
                     SpuText(explanation);
  if (!explanation.summary().empty()) text += "\n" + explanation.summary() + "\n";
  const auto& held = volume.holds().held();
  const bool space_held = std::ranges::find(held, space::v1::HOLD_KIND_SPACE) != held.end();
  // The first start takes its room the same way.
  const bool first_start = !volume.not_ready().empty() && explanation.proof().tries() > 0;
  if (space_held || first_start || explanation.proof().bytes_short() > 0) {
    text += ProgressText(explanation.proof(), volume);
  }
  if (explanation.reclaimable_bytes() > 0 || explanation.unclaimed_bytes() > 0) {
    text += absl::StrFormat(
        "\nTo be had here: %s by policy (tidemark volume plan); %s belong to "
        "partitions nobody assigned\n",
        ExactBytes(explanation.reclaimable_bytes()), ExactBytes(explanation.unclaimed_bytes()));
  }
  if (explanation.pinned_suspects_size() > 0) {
    text += "\nMay hold back what was freed\n";
    for (const std::string& suspect : explanation.pinned_suspects()) text += "  " + suspect + "\n";
  }
  if (volume.has_last_proof()) {
    text += "\nLast proof: " + ProofText(volume.last_proof()) + "\n";
  }
  return text;
}

std::string LastReportText(const VolumeView& view, const std::string& why_not) {
  if (!view.reported) {
    return absl::StrFormat("%s on SPU %s: %s. %s\n", view.volume.path(), view.spu_id,
                           VerdictText(view), why_not);
  }
  std::string text = absl::StrFormat("LAST KNOWN, from a report to the SC %s ago. %s\n\n",
                                     Milliseconds(view.report_age_ms), why_not);
  text += FactsText(view.volume, view.spu_id, VerdictText(view), "");
  if (view.bytes_short > 0) text += ShortText(view.bytes_short, view.volume);
  if (view.volume.has_last_proof()) {
    text += "\nLast proof: " + ProofText(view.volume.last_proof()) + "\n";
  }
  return text;
}

std::string PartitionsText(const std::vector<sc::v1::Partition>& known,
                           const space::v1::Explanation& explanation, const VolumeView& view) {
  constexpr std::size_t kShown = 10;
  const std::string volume = view.spu_id + ":" + view.volume.path();
  std::vector<std::string> lines;
  std::set<std::uint64_t> told;
  for (const sc::v1::Partition& partition : known) {
    told.insert(partition.id());
    std::string line =
        absl::StrFormat("  %s is %s: %s\n", PartitionName(partition.topic(), partition.index()),
                        StatusWord(partition.status()), partition.reason());
    const std::string advice = AdviceFor(partition, volume);
    if (!advice.starts_with("tidemark volume explain")) line += "    " + advice + "\n";
    lines.push_back(std::move(line));
  }
  for (const auto& fault : explanation.partition_faults()) {
    if (told.contains(fault.partition_id())) continue;
    lines.push_back(absl::StrFormat("  %s: %s\n",
                                    fault.topic().empty()
                                        ? absl::StrFormat("id %d", fault.partition_id())
                                        : PartitionName(fault.topic(), fault.partition()),
                                    fault.why()));
  }
  if (lines.empty()) return "";
  std::string text = "\nPartitions of it that are not Online for reasons of their own\n";
  for (std::size_t i = 0; i < std::min(lines.size(), kShown); ++i) text += lines[i];
  if (lines.size() > kShown) {
    text += absl::StrFormat("  and %d more: tidemark partition list\n", lines.size() - kShown);
  }
  return text;
}

std::string StepsText(const std::vector<std::string>& steps) {
  if (steps.empty()) return "";
  std::string text = "\nWhat to do\n";
  for (const std::string& step : steps) text += "  " + step + "\n";
  return text;
}

}  // namespace tidemark::cli
