#include "storage/segment/recovery_table.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace tidemark::storage {
namespace {

using Evidence = RecoveryEvidence;

constexpr std::array kTable = {
    RecoveryRow{"the log was known to reach further", RecoveryAction::kReportDamage,
                [](const Evidence& e) { return e.known_end == KnownEnd::kMissed; }},
    RecoveryRow{"valid batches lie behind the bad place", RecoveryAction::kReportDamage,
                [](const Evidence& e) { return e.behind == BehindEvidence::kValidBatch; }},
    RecoveryRow{"a newer version wrote here", RecoveryAction::kReportDamage,
                [](const Evidence& e) { return e.tail == TailEvidence::kNewVersion; }},
    RecoveryRow{"a valid batch of another offset", RecoveryAction::kReportDamage,
                [](const Evidence& e) { return e.tail == TailEvidence::kWrongOffset; }},
    RecoveryRow{"nothing but empty step behind the last batch", RecoveryAction::kAccept,
                [](const Evidence& e) {
                  return e.tail == TailEvidence::kEnd || e.tail == TailEvidence::kZeros;
                }},
    RecoveryRow{"all batches of an earlier segment are there", RecoveryAction::kKeepTail,
                [](const Evidence& e) {
                  return e.role == SegmentRole::kEarlier && e.known_end == KnownEnd::kReached;
                }},
    RecoveryRow{"an earlier segment ends badly", RecoveryAction::kReportDamage,
                [](const Evidence& e) { return e.role == SegmentRole::kEarlier; }},
    RecoveryRow{"a write was interrupted", RecoveryAction::kCutTail,
                [](const Evidence&) { return true; }},
};

}  // namespace

std::span<const RecoveryRow> RecoveryTable() { return kTable; }

const RecoveryRow& DecideRecovery(const RecoveryEvidence& evidence) {
  const auto row = std::find_if(kTable.begin(), kTable.end(),
                                [&](const RecoveryRow& r) { return r.matches(evidence); });
  TM_CHECK(row != kTable.end());
  return *row;
}

std::string_view ActionName(RecoveryAction action) {
  switch (action) {
    case RecoveryAction::kAccept:
      return "accept";
    case RecoveryAction::kCutTail:
      return "cut tail";
    case RecoveryAction::kKeepTail:
      return "keep tail";
    case RecoveryAction::kReportDamage:
      return "report damage";
  }
  return "unknown";
}

std::string_view TailName(TailEvidence tail) {
  switch (tail) {
    case TailEvidence::kEnd:
      return "end of file";
    case TailEvidence::kZeros:
      return "empty step";
    case TailEvidence::kBadHeader:
      return "no batch header";
    case TailEvidence::kShortBatch:
      return "batch cut short";
    case TailEvidence::kBadBody:
      return "batch body damaged";
    case TailEvidence::kNewVersion:
      return "batch of an unknown version";
    case TailEvidence::kWrongOffset:
      return "batch of another offset";
  }
  return "unknown";
}

}  // namespace tidemark::storage
