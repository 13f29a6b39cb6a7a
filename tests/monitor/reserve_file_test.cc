#include "monitor/reserve_file.h"

#include <cerrno>
#include <string>

#include "base/byte_size.h"
#include "monitor/errno_verdict.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/small_volume_fixture.h"

namespace tidemark::monitor {
namespace {

using base::kMiB;
using storage::OpenMode;
using support::HasErrno;
using support::IsOkAndHolds;
using support::Operation;
using support::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class ReserveFileTest : public support::OnSmallVolumes {
 protected:
  void SetUp() override {
    OnSmallVolumes::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    layout_ = VolumeLayout(path());
    reserve_.emplace(faulty_, layout_);
    // Room of a directory or an inode table that stays taken is no leak.
    before_ = available_bytes();
  }
  static void ExpectTaken(const ReserveResult& result, std::int64_t bytes) {
    EXPECT_OK(result.status);
    EXPECT_EQ(result.taken_bytes, bytes);
  }
  bool Exists() { return disk_.Stat(layout_.reserve()).ok(); }

  support::FaultyFileSystem faulty_{disk_};
  VolumeLayout layout_{""};
  std::optional<ReserveFile> reserve_;
  std::int64_t before_ = 0;
};

TEST_P(ReserveFileTest, TakesRealSpaceAndGivesItBack) {
  EXPECT_THAT(reserve_->HeldBytes(), IsOkAndHolds(0));
  EXPECT_THAT(reserve_->Verify(4 * kMiB).status, StatusIs(absl::StatusCode::kNotFound));
  ExpectTaken(reserve_->Take(4 * kMiB), 4 * kMiB);
  EXPECT_THAT(reserve_->HeldBytes(), IsOkAndHolds(4 * kMiB));
  EXPECT_LE(available_bytes(), before_ - 4 * kMiB);
  EXPECT_OK(reserve_->Verify(4 * kMiB).status);
  ExpectTaken(reserve_->Take(4 * kMiB), 0);         // held already
  ExpectTaken(reserve_->Take(6 * kMiB), 2 * kMiB);  // only what is missing
  EXPECT_OK(reserve_->Verify(6 * kMiB).status);
  ASSERT_OK(reserve_->Release());
  EXPECT_GE(available_bytes(), before_ - 64 * base::kKiB);
  EXPECT_OK(reserve_->Release()) << "nothing to release is fine";
}

TEST_P(ReserveFileTest, AFailedFirstTakeLeavesNothingBehind) {
  ASSERT_OK(filler().FillUntilLeft(3 * kMiB));
  const std::int64_t before = available_bytes();
  EXPECT_THAT(
      reserve_->Take(4 * kMiB).status,
      StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("take reserve of 4194304 bytes")));
  EXPECT_FALSE(Exists());
  EXPECT_GE(available_bytes(), before - 8 * base::kKiB) << "partial extents were kept";
}

TEST_P(ReserveFileTest, AFailedGrowthKeepsWhatWasHeldAndNothingMore) {
  ASSERT_OK(reserve_->Take(4 * kMiB).status);
  ASSERT_OK(filler().FillUntilLeft(3 * kMiB));
  const std::int64_t before = available_bytes();
  EXPECT_THAT(reserve_->Take(8 * kMiB).status,
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("4194304 held")));
  EXPECT_OK(reserve_->Verify(4 * kMiB).status);
  EXPECT_GE(available_bytes(), before - 8 * base::kKiB) << "partial extents were kept";
}

TEST_P(ReserveFileTest, NoInodeMeansNoReserveAndNoTrace) {
  ASSERT_OK(filler().TakeInodesUntilLeft(0));
  EXPECT_THAT(reserve_->Take(4 * kMiB).status, HasErrno(ENOSPC));
  EXPECT_FALSE(Exists());
}

TEST_P(ReserveFileTest, AHeldReserveVerifiesOnAFullVolume) {
  ASSERT_OK(reserve_->Take(4 * kMiB).status);
  ASSERT_OK(filler().TakeInodesUntilLeft(0));
  ASSERT_OK(filler().FillCompletely());
  ASSERT_EQ(available_bytes(), 0);
  EXPECT_OK(reserve_->Verify(4 * kMiB).status);
  ExpectTaken(reserve_->Take(4 * kMiB), 0);
  EXPECT_OK(reserve_->Release());
  EXPECT_GE(available_bytes(), 4 * kMiB);
}

TEST_P(ReserveFileTest, ASparseReserveIsNotHeld) {
  ASSERT_OK_AND_ASSIGN(const auto file, disk_.Open(layout_.reserve(), OpenMode::kCreate));
  ASSERT_OK(file->Truncate(4 * kMiB));
  EXPECT_THAT(reserve_->HeldBytes(), IsOkAndHolds(0));
  EXPECT_THAT(reserve_->Verify(4 * kMiB).status,
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("0 allocated")));
  ExpectTaken(reserve_->Take(4 * kMiB), 4 * kMiB);  // the hole is filled
  EXPECT_OK(reserve_->Verify(4 * kMiB).status);
}

TEST_P(ReserveFileTest, WhatIsMoreThanWantedIsGivenBackAlsoOnAFullVolume) {
  ASSERT_OK(reserve_->Take(12 * kMiB).status);
  ASSERT_OK(filler().FillCompletely());
  const ReserveResult verified = reserve_->Verify(4 * kMiB);
  EXPECT_OK(verified.status);
  EXPECT_EQ(verified.held_bytes, 4 * kMiB);
  EXPECT_GE(available_bytes(), 8 * kMiB);
}

TEST_P(ReserveFileTest, AShortReserveIsNotVerified) {
  ASSERT_OK(reserve_->Take(4 * kMiB).status);
  EXPECT_THAT(reserve_->Verify(5 * kMiB).status, StatusIs(absl::StatusCode::kDataLoss));
}

TEST_P(ReserveFileTest, EveryFailedCallFailsTheTakeAndLeavesNothing) {
  for (const Operation operation : {Operation::kCreate, Operation::kAllocate, Operation::kWriteAt,
                                    Operation::kSyncAll, Operation::kSyncDirectory}) {
    const auto rule = faulty_.Add({.operation = operation, .error_number = EIO});
    const ReserveResult result = reserve_->Take(kMiB);
    faulty_.Remove(rule);
    EXPECT_THAT(result.status, HasErrno(EIO));
    EXPECT_EQ(result.held_bytes, 0);
    EXPECT_FALSE(Exists()) << "operation " << static_cast<int>(operation);
  }
}

TEST_P(ReserveFileTest, AWriteThatDidNotReachTheDiskIsNotBelieved) {
  // The device says OK and stores a part: only reading back finds out.
  faulty_.Add({.operation = Operation::kWriteAt, .short_write_bytes = 8});
  EXPECT_THAT(reserve_->Take(kMiB).status, StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_FALSE(Exists());
}

// btrfs charges the metadata of a write to the quota: refused, it has changed nothing.
TEST_P(ReserveFileTest, AQuotaThatRefusesARewriteIsNoFaultOfTheDevice) {
  ASSERT_OK(reserve_->Take(kMiB).status);
  for (const auto& [error_number, meaning] :
       {std::pair(EDQUOT, ErrnoMeaning::kSpace), std::pair(ENOSPC, ErrnoMeaning::kDevice)}) {
    const auto rule = faulty_.Add({.operation = Operation::kWriteAt, .error_number = error_number});
    const ReserveResult result = reserve_->Take(kMiB);
    faulty_.Remove(rule);
    EXPECT_THAT(result.status, HasErrno(error_number));
    EXPECT_EQ(JudgeStatus(result.operation, result.status).meaning, meaning);
    EXPECT_EQ(result.held_bytes, kMiB);
  }
}

TEST_P(ReserveFileTest, ANeighbourThatTakesTheSpaceJustBeforeTheAllocationWins) {
  faulty_.Add(
      {.operation = Operation::kAllocate, .before = [&] { ASSERT_OK(filler().FillCompletely()); }});
  EXPECT_THAT(reserve_->Take(4 * kMiB).status, HasErrno(ENOSPC));
  EXPECT_FALSE(Exists());
}

INSTANTIATE_ON_SMALL_VOLUMES(ReserveFileTest);

}  // namespace
}  // namespace tidemark::monitor
