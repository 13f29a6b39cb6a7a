// What recovery does with the end of a segment: from evidence to action, as one table.
//
// Pure, and total: tests/storage/segment/recovery_table_test.cc walks every combination. Two rules
// stand above all rows: data that might have been acknowledged is never cut, and a segment that is
// not the last is never changed.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace tidemark::storage {

enum class SegmentRole : std::uint8_t { kLast, kEarlier };

// How the walk over a segment ended.
enum class TailEvidence : std::uint8_t {
  kEnd,          // the file ends behind a whole batch
  kZeros,        // zeros up to the end of the file: an allocated step
  kBadHeader,    // bytes that are no batch header
  kShortBatch,   // a good header whose batch the file does not hold to its end
  kBadBody,      // a good header over a body that fails its CRC
  kNewVersion,   // a batch of a version we do not know: data, not damage
  kWrongOffset,  // a valid batch of another offset than the next one
};

// What a search behind the bad place found.
enum class BehindEvidence : std::uint8_t { kNothing, kValidBatch };

// Where the log was known to reach: for an earlier segment the base of the next one, for the last
// one the mark of a clean stop.
enum class KnownEnd : std::uint8_t { kUnknown, kReached, kMissed };

struct RecoveryEvidence {
  SegmentRole role = SegmentRole::kLast;
  TailEvidence tail = TailEvidence::kEnd;
  BehindEvidence behind = BehindEvidence::kNothing;
  KnownEnd known_end = KnownEnd::kUnknown;
  bool operator==(const RecoveryEvidence&) const = default;
};

enum class RecoveryAction : std::uint8_t {
  kAccept,        // the log goes up to here; what follows is empty step or nothing
  kCutTail,       // zero the torn tail in place: never acknowledged, the step stays allocated
  kKeepTail,      // the log goes up to here; leave the strange bytes behind it alone
  kReportDamage,  // offsets that were there are lost: keep every byte, hold the partition
};

struct RecoveryRow {
  std::string_view name;
  RecoveryAction action;
  bool (*matches)(const RecoveryEvidence&);
};

// The first row that matches decides.
std::span<const RecoveryRow> RecoveryTable();
const RecoveryRow& DecideRecovery(const RecoveryEvidence& evidence);

std::string_view ActionName(RecoveryAction action);
std::string_view TailName(TailEvidence tail);

}  // namespace tidemark::storage
