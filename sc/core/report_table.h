// Which reports the controller believes: the transition table, as data.
//
// A report is sorted into a case, and the first row that matches the case decides. The rows are in
// the .cc and proven total by tests/sc/core/report_table_test.cc; each refusal has its own row and
// name.
//
// Pure: no clock, no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "sc/core/records.h"

namespace tidemark::sc {

// Of the report against the one held. Nothing held counts as generation 0.
enum class GenerationStep : std::uint8_t { kLower, kEqualSame, kEqualOther, kNext, kJump };

// What the report says of space, against what is held.
enum class SpaceStep : std::uint8_t {
  kHeld,          // a space hold is in the report
  kNone,          // none there, none gone: nothing to prove
  kGone,          // a hold the controller knows of has gone
  kPassedUnseen,  // episodes came and went while the SPU was cut off
  // Its last episode has ended, as far as the controller knows rightly, but the record does not
  // carry the proof that ended it: rolled back, and lifted again without one.
  kUnproven,
};

enum class EpisodeStep : std::uint8_t {
  kEarlier,  // the proof is of an episode before the one that has to be proven
  kOpen,     // of the one held here
  kLater,    // of one that came after it
};

enum class ProofState : std::uint8_t { kAbsent, kShort, kValid };

struct ReportCase {
  bool session_current = true;
  bool volume_known = true;
  bool well_formed = true;
  // Generation 0 with a device fault: the SPU cannot say more of the volume than that.
  bool fault_alone = false;
  GenerationStep generation = GenerationStep::kNext;
  // The newest episode of the report is older than the newest held.
  bool episode_went_back = false;
  SpaceStep space = SpaceStep::kNone;
  EpisodeStep episode = EpisodeStep::kOpen;
  ProofState proof = ProofState::kAbsent;
};

struct ReportRow {
  const char* name;
  bool (*matches)(const ReportCase&);
  // UNSPECIFIED: accepted.
  v1::ReportRefusal refusal;
};

std::span<const ReportRow> ReportTable();
const ReportRow& DecideReport(const ReportCase& report_case);

// Sorts a report. `held` is the last one accepted; generation 0: none.
ReportCase SortReport(const v1::Report& held, const v1::Report& incoming);

// What a volume says that could not start, or was never provisioned. The verdict held stays.
bool IsFaultAlone(const v1::Report& report);
// Counted on for ever; 0: the volume has had none.
std::uint64_t NewestEpisode(const v1::Report& report);

// What is wrong with its form, in words; empty if nothing is. A report without `holds` is not one
// without holds: a partial or empty report changes nothing.
std::string FindReportDefect(const v1::Report& report);
// What the proof lacks against the newest marks, those of the report; empty if nothing.
std::string FindProofShortage(const space::v1::Proof& proof, const space::v1::Marks& marks);

}  // namespace tidemark::sc
