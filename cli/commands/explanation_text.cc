#include "cli/commands/explanation_text.h"

#include <chrono>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "cli/space_bar.h"
#include "cli/words.h"

namespace tidemark::cli {
namespace {

using space::v1::Volume;

constexpr std::size_t kBarWidth = 48;

std::string Milliseconds(std::int64_t ms) {
  return base::FormatDuration(std::chrono::milliseconds(ms));
}

// The verdict, its cause and the numbers it rests on.
std::string VerdictText(const Volume& volume, const std::string& spu_id) {
  std::string text = absl::StrFormat("%s on SPU %s: %s\n", volume.path(), spu_id,
                                     HoldsText(volume.holds(), volume.device_faults()));
  for (const int kind : volume.holds().held()) {
    if (kind != space::v1::HOLD_KIND_SPACE) continue;
    const auto& space = volume.holds().space();
    text +=
        absl::StrFormat("  cause      out of %s, episode %d, since %s%s\n",
                        CauseWord(space.cause()), space.episode(), TimeText(space.since_unix_ms()),
                        space.unproven() ? " (unproven: the record was lost or wiped)" : "");
  }
  const auto& reading = volume.reading();
  const auto& marks = volume.marks();
  text += absl::StrFormat("  space      %s\n", SpaceBar(reading, marks, kBarWidth));
  text += absl::StrFormat("  available  %s of %s\n", ExactBytes(reading.available_bytes()),
                          SizeText(reading.total_bytes()));
  text += absl::StrFormat("  marks      full below %s, goes on from %s\n",
                          ExactBytes(marks.full_bytes()), ExactBytes(marks.resume_bytes()));
  if (reading.counts_inodes()) {
    text += absl::StrFormat("  inodes     %d available, full below %d, goes on from %d\n",
                            reading.available_inodes(), marks.full_inodes(), marks.resume_inodes());
  }
  return text;
}

// Plan counts to another mark: say to which this one does.
std::string ShortText(std::int64_t bytes, const Volume& volume) {
  return absl::StrFormat("  short      %s, up to the resume mark (%s)\n", ExactBytes(bytes),
                         SizeText(volume.marks().resume_bytes()));
}

std::string ProgressText(const space::v1::ProofProgress& proof, const Volume& volume) {
  std::string text = "\nProof that the space is really there\n";
  text += absl::StrFormat("  %-10s step %s\n", proof.running() ? "running" : "stopped at",
                          ProofStepText(proof.step()));
  if (!proof.message().empty()) text += absl::StrFormat("  because    %s\n", proof.message());
  if (proof.readings_wanted() > 0) {
    text += absl::StrFormat("  readings   %d of %d, good for %s of %s\n", proof.readings_seen(),
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
  std::string text = VerdictText(volume, spu_id);
  if (!explanation.summary().empty()) text += "\n" + explanation.summary() + "\n";
  const bool space_held = [&] {
    for (const int kind : volume.holds().held()) {
      if (kind == space::v1::HOLD_KIND_SPACE) return true;
    }
    return false;
  }();
  if (space_held) text += ProgressText(explanation.proof(), volume);
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
  if (explanation.next_steps_size() > 0) {
    text += "\nWhat to do\n";
    for (const std::string& step : explanation.next_steps()) text += "  " + step + "\n";
  }
  return text;
}

std::string LastReportText(const VolumeView& view, const std::string& why_not) {
  std::string text =
      absl::StrFormat("LAST KNOWN, from a report to the SC %s ago. The SPU cannot be asked: %s\n\n",
                      Milliseconds(view.report_age_ms), why_not);
  text += VerdictText(view.volume, view.spu_id);
  if (view.bytes_short > 0) text += ShortText(view.bytes_short, view.volume);
  if (view.volume.has_last_proof()) {
    text += "\nLast proof: " + ProofText(view.volume.last_proof()) + "\n";
  }
  text += absl::StrFormat("\nWhat to do\n  bring SPU %s back, then: tidemark volume explain %s\n",
                          view.spu_id, view.volume.path());
  return text;
}

}  // namespace tidemark::cli
