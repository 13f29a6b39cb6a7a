#include "storage/segment/recovery_table.h"

#include <functional>
#include <set>

#include "gtest/gtest.h"

namespace tidemark::storage {
namespace {

void ForEveryEvidence(const std::function<void(const RecoveryEvidence&)>& check) {
  for (const auto role : {SegmentRole::kLast, SegmentRole::kEarlier}) {
    for (int tail = 0; tail <= static_cast<int>(TailEvidence::kWrongOffset); ++tail) {
      for (const auto behind : {BehindEvidence::kNothing, BehindEvidence::kValidBatch}) {
        for (const auto known : {KnownEnd::kUnknown, KnownEnd::kReached, KnownEnd::kMissed}) {
          const RecoveryEvidence evidence{role, static_cast<TailEvidence>(tail), behind, known};
          SCOPED_TRACE(testing::Message()
                       << "role " << static_cast<int>(role) << ", " << TailName(evidence.tail)
                       << ", behind " << static_cast<int>(behind) << ", known end "
                       << static_cast<int>(known));
          check(evidence);
        }
      }
    }
  }
}

TEST(RecoveryTableTest, EveryEvidenceHasARowAndEveryRowItsEvidence) {
  std::set<std::string_view> used;
  int combinations = 0;
  ForEveryEvidence([&](const RecoveryEvidence& evidence) {
    used.insert(DecideRecovery(evidence).name);
    ++combinations;
  });
  EXPECT_EQ(combinations, 2 * 7 * 2 * 3);
  EXPECT_EQ(used.size(), RecoveryTable().size());
}

TEST(RecoveryTableTest, OnlyTheUnacknowledgedTailOfTheLastSegmentIsEverCut) {
  ForEveryEvidence([](const RecoveryEvidence& evidence) {
    if (DecideRecovery(evidence).action != RecoveryAction::kCutTail) return;
    EXPECT_EQ(evidence.role, SegmentRole::kLast);
    EXPECT_EQ(evidence.behind, BehindEvidence::kNothing);
    EXPECT_NE(evidence.known_end, KnownEnd::kMissed);
    EXPECT_NE(evidence.tail, TailEvidence::kNewVersion);
    EXPECT_NE(evidence.tail, TailEvidence::kWrongOffset);
  });
}

TEST(RecoveryTableTest, LostOffsetsAreNeverAccepted) {
  ForEveryEvidence([](const RecoveryEvidence& evidence) {
    const bool lost = evidence.known_end == KnownEnd::kMissed ||
                      evidence.behind == BehindEvidence::kValidBatch ||
                      evidence.tail == TailEvidence::kWrongOffset;
    if (lost) {
      EXPECT_EQ(DecideRecovery(evidence).action, RecoveryAction::kReportDamage);
    }
  });
}

TEST(RecoveryTableTest, AnInterruptedWriteIsNoDamage) {
  for (const auto tail :
       {TailEvidence::kBadHeader, TailEvidence::kShortBatch, TailEvidence::kBadBody}) {
    EXPECT_EQ(DecideRecovery({.tail = tail}).action, RecoveryAction::kCutTail);
  }
  EXPECT_EQ(DecideRecovery({.tail = TailEvidence::kZeros}).action, RecoveryAction::kAccept);
  EXPECT_EQ(DecideRecovery({.tail = TailEvidence::kEnd}).action, RecoveryAction::kAccept);
}

}  // namespace
}  // namespace tidemark::storage
