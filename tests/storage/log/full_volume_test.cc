// The log on a real volume without a free byte and without a free inode.
#include "base/byte_size.h"
#include "storage/fs/posix_file_system.h"
#include "storage/segment/segment_name.h"
#include "tests/storage/log/log_rig.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/small_volume_fixture.h"

namespace tidemark::storage {
namespace {

using base::kMiB;
using base::Offset;
using support::HasErrno;
using support::Operation;

class FullVolumeTest : public support::OnSmallVolumes {
 protected:
  void SetUp() override {
    OnSmallVolumes::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    partitions_ = JoinPath(path(), kPartitionsDirectory);
    ASSERT_OK(disk_.CreateDirectory(partitions_));
    rig_ = std::make_unique<LogRig>(counted_, partitions_,
                                    LogOptions{.segment_bytes = kMiB, .step_bytes = kMiB / 4});
    ASSERT_OK(rig_->Create());
    ASSERT_OK(rig_->Open());
  }

  // Three closed segments and an active one, everything acknowledged.
  void Produce() {
    for (int i = 0; i < 36; ++i) ASSERT_OK(rig_->Append({.value_bytes = 100'000}));
    rig_->DoWork();
    ASSERT_GE(rig_->log().segment_count(), 4U);
  }
  void FillUp() {
    ASSERT_OK(filler().TakeInodesUntilLeft(0));
    ASSERT_OK(filler().FillCompletely());
    ASSERT_EQ(available_inodes(), 0);
    ASSERT_LT(available_bytes(), kMiB / 4);
  }

  std::string partitions_;
  support::FaultyFileSystem counted_{disk_};
  std::unique_ptr<LogRig> rig_;
};

TEST_P(FullVolumeTest, TrimWorksWithoutAFreeByteOrInodeAndFreesWhatItPromised) {
  Produce();
  FillUp();
  const std::int64_t available_before = available_bytes();
  PartitionLog& log = rig_->log();
  ASSERT_OK_AND_ASSIGN(const TrimPlan plan, log.PlanTrim(log.Segments()[2].base_offset));
  EXPECT_EQ(plan.drop.size(), 2U);
  ASSERT_OK_AND_ASSIGN(const TrimResult trimmed, rig_->Run(plan));
  EXPECT_OK(trimmed.state_status);
  EXPECT_OK(trimmed.status);
  EXPECT_EQ(trimmed.freed_bytes, plan.expected_freed_bytes);
  EXPECT_GE(available_bytes() - available_before, plan.expected_freed_bytes - 64 * 1024);
  EXPECT_EQ(log.LogStart(), plan.log_start);
  EXPECT_EQ(rig_->Values(log.LogStart())->size(),
            static_cast<std::size_t>(log.LogEnd() - log.LogStart()));
}

TEST_P(FullVolumeTest, TrimmingEverythingSealsTheActiveSegmentInPlace) {
  Produce();
  FillUp();
  PartitionLog& log = rig_->log();
  const Offset end = log.LogEnd();
  ASSERT_OK_AND_ASSIGN(const TrimPlan plan, log.PlanTrim(end));
  EXPECT_TRUE(plan.seals_active);
  ASSERT_OK_AND_ASSIGN(const TrimResult trimmed, rig_->Run(plan));
  EXPECT_OK(trimmed.status);
  EXPECT_EQ(log.segment_count(), 0U);
  EXPECT_EQ(log.allocated_bytes(), 0);
  EXPECT_GE(trimmed.freed_bytes, 3 * kMiB);
  EXPECT_THAT(disk_.List(rig_->directory()),
              support::IsOkAndHolds(testing::ElementsAre(kPartitionStateFile)));
  // A restart remembers where the log goes on, and so does the next append.
  ASSERT_OK(rig_->Reopen());
  EXPECT_EQ(rig_->log().LogStart(), end);
  EXPECT_EQ(rig_->log().LogEnd(), end);
  ASSERT_OK(filler().Free());
  EXPECT_THAT(rig_->Append({}), support::IsOkAndHolds(end));
}

TEST_P(FullVolumeTest, DeletingWorksWithoutAFreeByteOrInode) {
  Produce();
  FillUp();
  const std::int64_t allocated = rig_->log().allocated_bytes();
  ASSERT_OK_AND_ASSIGN(const DeletedPartition deleted,
                       DeletePartition(counted_, partitions_, LogRig::kId));
  EXPECT_GE(deleted.freed_bytes, allocated);
  EXPECT_THAT(disk_.List(partitions_), support::IsOkAndHolds(testing::IsEmpty()));
}

TEST_P(FullVolumeTest, OpeningStoppingAndReadingWorkAndDeleteNothing) {
  Produce();
  const auto values = rig_->Values(Offset(0));
  FillUp();
  ASSERT_OK_AND_ASSIGN(const auto files, disk_.List(rig_->directory()));
  for (int round = 0; round < 2; ++round) {
    ASSERT_OK(rig_->Reopen());
    EXPECT_EQ(rig_->Values(Offset(0)), values);
    ASSERT_OK(rig_->Stop());
    ASSERT_OK(rig_->Open());
    EXPECT_TRUE(rig_->recovered().clean_stop);
  }
  EXPECT_EQ(rig_->Values(Offset(0)), values);
  EXPECT_THAT(disk_.List(rig_->directory()), support::IsOkAndHolds(files));
}

TEST_P(FullVolumeTest, ATornTailIsCutWithoutAFreeByte) {
  ASSERT_OK(rig_->Append({.value_bytes = 5'000}));
  counted_.Add({.operation = Operation::kWriteAt, .short_write_bytes = 700, .error_number = EIO});
  EXPECT_THAT(rig_->Append({.value_bytes = 5'000}), HasErrno(EIO));
  counted_.Clear();
  FillUp();
  ASSERT_OK(rig_->Reopen());
  EXPECT_GT(rig_->recovered().torn_bytes, 0);
  EXPECT_THAT(rig_->Append({.value_bytes = 5'000}), support::IsOkAndHolds(Offset(1)))
      << "the step was kept, and it has room";
}

TEST_P(FullVolumeTest, AnAppendInsideTheStepNeverMeetsTheFullDisk) {
  ASSERT_OK(rig_->Append({.value_bytes = 1'000}));
  FillUp();
  int admitted = 0;
  absl::Status refused;
  while (refused.ok()) {
    const auto appended = rig_->Append({.value_bytes = 1'000});
    refused = appended.status();
    if (appended.ok()) ++admitted;
  }
  EXPECT_GT(admitted, 200) << "about 256 KiB of step";
  EXPECT_THAT(refused, HasErrno(ENOSPC));
  EXPECT_NE(refused.message().find("step"), absl::string_view::npos) << refused;
  EXPECT_FALSE(rig_->log().failed());
  EXPECT_EQ(rig_->Values(Offset(0))->size(), static_cast<std::size_t>(admitted + 1));
  ASSERT_OK(filler().Free());
  ASSERT_OK(rig_->Append({.value_bytes = 1'000}));
}

TEST_P(FullVolumeTest, AFailedStepGivesBackWhatItTook) {
  ASSERT_OK(rig_->Append({.value_bytes = 1'000}));
  ASSERT_OK(filler().FillUntilLeft(128 * 1024));  // half a step: ext4 keeps partial extents
  const std::int64_t available_before = available_bytes();
  EXPECT_THAT(rig_->Append({.value_bytes = 400'000}), HasErrno(ENOSPC));
  EXPECT_GE(available_bytes(), available_before - 8 * 1024);
}

TEST_P(FullVolumeTest, CreatingWithoutAnInodeFailsAndLeavesNothing) {
  ASSERT_OK(filler().TakeInodesUntilLeft(1));
  const absl::Status status =
      CreatePartition(disk_, partitions_, {.id = base::PartitionId(77), .topic = "late"});
  EXPECT_THAT(status, HasErrno(ENOSPC));
  EXPECT_THAT(disk_.List(partitions_),
              support::IsOkAndHolds(testing::ElementsAre(PartitionDirectoryName(LogRig::kId))));
  EXPECT_EQ(available_inodes(), 1);
}

TEST_P(FullVolumeTest, SealingOnAFullVolumeDoesWithoutAnIndex) {
  const Buffer batch = support::MakeBatch({.value_bytes = 300'000});
  while (rig_->log().segment_count() < 2) ASSERT_OK(rig_->AppendBatch(batch));
  FillUp();
  const auto request = rig_->log().SealWanted();
  ASSERT_TRUE(request.has_value());
  const SealResult sealed = SealSegment(disk_, *request);
  EXPECT_OK(sealed.status);
  EXPECT_THAT(sealed.index_status, HasErrno(ENOSPC));
  rig_->log().OnSealed(sealed);
  EXPECT_EQ(rig_->Values(Offset(0))->size(),
            static_cast<std::size_t>(rig_->log().LogEnd().value()));
  ASSERT_OK(rig_->Reopen());
  EXPECT_EQ(rig_->Values(Offset(0))->size(),
            static_cast<std::size_t>(rig_->log().LogEnd().value()));
}

INSTANTIATE_ON_SMALL_VOLUMES(FullVolumeTest);

}  // namespace
}  // namespace tidemark::storage
