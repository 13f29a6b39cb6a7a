#include "sc/core/report_table.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "base/check.h"
#include "daemon/control/verdict_digest.h"

namespace tidemark::sc {
namespace {

// Everything a report says is stored, shown and told again: paths in its texts may be long, and no
// more. Lost data there is as often as partitions.
constexpr std::size_t kReportBytesMax = 128 * 1024;
constexpr int kHoldsMax = 64;  // each is sorted and named for every partition that is shown
constexpr std::size_t kLostDataBytesMax = 16 * 1024;
constexpr std::size_t kPerLostDataBytes = 8;  // tag and length

// A record without a space hold, whose episode has to be proven.
bool NeedsProof(const ReportCase& c) {
  return c.space == SpaceStep::kGone || c.space == SpaceStep::kPassedUnseen ||
         c.space == SpaceStep::kUnproven;
}

// First row that matches decides. Order: who speaks, what it is about, how it is ordered, what it
// claims.
constexpr ReportRow kTable[] = {
    {"a message of a dead session changes nothing",
     [](const ReportCase& c) { return !c.session_current; }, v1::REPORT_REFUSAL_STALE_SESSION},
    {"a partial or empty report changes nothing",
     [](const ReportCase& c) { return !c.well_formed; }, v1::REPORT_REFUSAL_MALFORMED},
    {"the Hello of this session did not name the volume",
     [](const ReportCase& c) { return !c.volume_known; }, v1::REPORT_REFUSAL_UNKNOWN_VOLUME},
    {"a device fault alone says nothing of the verdict",
     [](const ReportCase& c) { return c.fault_alone; }, v1::REPORT_REFUSAL_UNSPECIFIED},
    {"a lower generation is an old duplicate",
     [](const ReportCase& c) { return c.generation == GenerationStep::kLower; },
     v1::REPORT_REFUSAL_LOWER_GENERATION},
    {"one generation has one content",
     [](const ReportCase& c) { return c.generation == GenerationStep::kEqualOther; },
     v1::REPORT_REFUSAL_SAME_GENERATION_OTHER_CONTENT},
    {"said again: faults and readings may be new",
     [](const ReportCase& c) { return c.generation == GenerationStep::kEqualSame; },
     v1::REPORT_REFUSAL_UNSPECIFIED},
    {"episodes are counted on, never again from the start",
     [](const ReportCase& c) { return c.episode_went_back; }, v1::REPORT_REFUSAL_EPISODE_WENT_BACK},
    {"space came back without a proof",
     [](const ReportCase& c) { return NeedsProof(c) && c.proof == ProofState::kAbsent; },
     v1::REPORT_REFUSAL_PROOF_MISSING},
    {"the proof is of an earlier episode",
     [](const ReportCase& c) { return NeedsProof(c) && c.episode == EpisodeStep::kEarlier; },
     v1::REPORT_REFUSAL_PROOF_EARLIER_EPISODE},
    {"the proof does not satisfy the newest marks",
     [](const ReportCase& c) { return NeedsProof(c) && c.proof == ProofState::kShort; },
     v1::REPORT_REFUSAL_PROOF_SHORT},
    {"space came back, proven",
     [](const ReportCase& c) { return NeedsProof(c) && c.proof == ProofState::kValid; },
     v1::REPORT_REFUSAL_UNSPECIFIED},
    {"a newer verdict that needs no proof", [](const ReportCase& c) { return !NeedsProof(c); },
     v1::REPORT_REFUSAL_UNSPECIFIED},
};

// By the proof's own marks: newer ones do not call for another proof while nothing is held.
bool CarriesItsProof(const v1::Report& report) {
  const std::uint64_t episode = NewestEpisode(report);
  if (episode == 0) return true;
  const space::v1::Proof& proof = report.proof();
  return report.has_proof() && proof.episode() == episode &&
         FindProofShortage(proof, proof.marks()).empty();
}

GenerationStep SortGeneration(const v1::Report& held, const v1::Report& incoming) {
  if (incoming.generation() < held.generation()) return GenerationStep::kLower;
  if (incoming.generation() == held.generation()) {
    return daemon::CanonicalVerdict(held) == daemon::CanonicalVerdict(incoming)
               ? GenerationStep::kEqualSame
               : GenerationStep::kEqualOther;
  }
  return incoming.generation() == held.generation() + 1 ? GenerationStep::kNext
                                                        : GenerationStep::kJump;
}

}  // namespace

std::uint64_t NewestEpisode(const v1::Report& report) {
  return std::max(report.episodes(), report.holds().space().episode());
}

std::span<const ReportRow> ReportTable() { return kTable; }

const ReportRow& DecideReport(const ReportCase& report_case) {
  const auto* row = std::find_if(std::begin(kTable), std::end(kTable),
                                 [&](const ReportRow& r) { return r.matches(report_case); });
  TM_CHECK(row != std::end(kTable));
  return *row;
}

ReportCase SortReport(const v1::Report& held, const v1::Report& incoming) {
  ReportCase c;
  c.well_formed = FindReportDefect(incoming).empty();
  c.fault_alone = IsFaultAlone(incoming);
  c.generation = SortGeneration(held, incoming);
  const std::uint64_t held_episode = NewestEpisode(held);
  const std::uint64_t episode = NewestEpisode(incoming);
  c.episode_went_back = episode < held_episode;

  if (daemon::HoldsKind(incoming.holds(), space::v1::HOLD_KIND_SPACE)) {
    c.space = SpaceStep::kHeld;
  } else if (daemon::HoldsKind(held.holds(), space::v1::HOLD_KIND_SPACE)) {
    c.space = SpaceStep::kGone;
  } else if (episode > held_episode) {
    c.space = SpaceStep::kPassedUnseen;
  } else if (!CarriesItsProof(incoming)) {
    c.space = SpaceStep::kUnproven;
  }

  if (incoming.has_proof()) {
    const std::uint64_t proven = incoming.proof().episode();
    // While cut off several may have passed: the newest of them is what has to be proven.
    if (proven < episode) {
      c.episode = EpisodeStep::kEarlier;
    } else {
      c.episode = proven == held_episode ? EpisodeStep::kOpen : EpisodeStep::kLater;
    }
    c.proof = FindProofShortage(incoming.proof(), incoming.marks()).empty() ? ProofState::kValid
                                                                            : ProofState::kShort;
  }
  return c;
}

bool IsFaultAlone(const v1::Report& report) {
  return report.generation() == 0 && report.device_faults_size() > 0;
}

std::string FindReportDefect(const v1::Report& report) {
  if (report.volume().size() != 16) {
    return absl::StrFormat("volume uuid has %d bytes, not 16", report.volume().size());
  }
  std::size_t lost_bytes = 0;
  for (const v1::LostData& lost : report.lost_data()) {
    if (lost.ByteSizeLong() > kLostDataBytesMax) {
      return absl::StrFormat("what it says of lost data has %d bytes, at most %d may",
                             lost.ByteSizeLong(), kLostDataBytesMax);
    }
    lost_bytes += lost.ByteSizeLong();
  }
  if (const std::size_t bytes = report.ByteSizeLong() - lost_bytes;
      bytes >
      kReportBytesMax + kPerLostDataBytes * static_cast<std::size_t>(report.lost_data_size())) {
    return absl::StrFormat("it has %d bytes, at most %d may", bytes, kReportBytesMax);
  }
  if (report.generation() == 0 && !IsFaultAlone(report)) return "generation is 0";
  if (!report.has_holds()) return "holds are missing";
  if (report.holds().held_size() > kHoldsMax) {
    return absl::StrFormat("it has %d holds, at most %d may", report.holds().held_size(),
                           kHoldsMax);
  }
  if (daemon::HoldsKind(report.holds(), space::v1::HOLD_KIND_SPACE) &&
      report.holds().space().episode() == 0) {
    return "the space hold has no episode";
  }
  if (report.has_proof() && report.proof().episode() > NewestEpisode(report)) {
    return absl::StrFormat("proof of episode %d, but the newest episode is %d",
                           report.proof().episode(), NewestEpisode(report));
  }
  return "";
}

std::string FindProofShortage(const space::v1::Proof& proof, const space::v1::Marks& marks) {
  constexpr int kReadingsMin = 3;
  if (marks.resume_bytes() <= 0 || marks.reserve_bytes() <= 0) return "the report has no marks";
  if (proof.readings() < kReadingsMin) {
    return absl::StrFormat("%d readings, %d are needed", proof.readings(), kReadingsMin);
  }
  if (proof.bytes_after() < marks.resume_bytes()) {
    return absl::StrFormat("%s available after taking room, resume mark %s",
                           base::FormatByteSize(proof.bytes_after()),
                           base::FormatByteSize(marks.resume_bytes()));
  }
  if (proof.counts_inodes() && proof.inodes_after() < marks.resume_inodes()) {
    return absl::StrFormat("%d inodes available after taking room, resume mark %d",
                           proof.inodes_after(), marks.resume_inodes());
  }
  if (proof.reserve_bytes() < marks.reserve_bytes()) {
    return absl::StrFormat("reserve of %s held, %s are needed",
                           base::FormatByteSize(proof.reserve_bytes()),
                           base::FormatByteSize(marks.reserve_bytes()));
  }
  // Divided, since a product of what a peer says may turn over.
  const std::int64_t steps_told =
      marks.step_bytes() > 0 ? proof.steps_bytes() / marks.step_bytes() : proof.steps_taken();
  if (proof.steps_taken() < 0 || steps_told < proof.steps_taken()) {
    return absl::StrFormat("%d steps of %s wanted, %s taken", proof.steps_taken(),
                           base::FormatByteSize(marks.step_bytes()),
                           base::FormatByteSize(proof.steps_bytes()));
  }
  return "";
}

}  // namespace tidemark::sc
