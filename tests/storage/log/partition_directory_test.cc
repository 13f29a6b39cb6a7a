#include "storage/log/partition_directory.h"

#include "storage/fs/posix_file_system.h"
#include "storage/log/partition_recovery.h"
#include "storage/segment/segment_name.h"
#include "tests/storage/log/log_rig.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/temp_directory.h"

namespace tidemark::storage {
namespace {

using base::Offset;
using base::PartitionId;
using support::HasErrno;
using support::Operation;
using support::StatusIs;
using testing::ElementsAre;
using testing::IsEmpty;

class PartitionDirectoryTest : public testing::Test {
 protected:
  PartitionState State(std::uint64_t id) {
    return {.id = PartitionId(id), .topic = "../../etc", .index = 1};
  }

  support::TempDirectory home_;
  PosixFileSystem real_;
  support::FaultyFileSystem disk_{real_};
};

TEST(PartitionDirectoryNameTest, TheIdNamesTheDirectoryAndNothingElseDoes) {
  EXPECT_EQ(PartitionDirectoryName(PartitionId(0x2a)), "000000000000002a");
  EXPECT_EQ(ParsePartitionDirectoryName("ffffffffffffffff"), PartitionId(~0ULL));
  for (const char* name : {"", "2a", "000000000000002A", "000000000000002g", "..",
                           "000000000000002a.new", "0000000000000002a", "-00000000000002a"}) {
    EXPECT_EQ(ParsePartitionDirectoryName(name), std::nullopt) << name;
  }
}

TEST_F(PartitionDirectoryTest, ACreatedPartitionIsListedAndOpens) {
  ASSERT_OK(CreatePartition(disk_, home_.path(), State(7)));
  ASSERT_OK(disk_.CreateDirectory(home_.File("lost+found")));
  ASSERT_OK_AND_ASSIGN(const PartitionListing listing, ListPartitions(disk_, home_.path()));
  EXPECT_THAT(listing.partitions, ElementsAre(PartitionId(7)));
  EXPECT_THAT(listing.strangers, ElementsAre("lost+found"));
  ASSERT_OK_AND_ASSIGN(const RecoveredPartition opened,
                       OpenPartition(disk_, PartitionPath(home_.path(), PartitionId(7)), {}));
  EXPECT_EQ(opened.state.topic, "../../etc") << "a name, never a path";
  EXPECT_EQ(opened.log_end, Offset(0));
  EXPECT_THAT(CreatePartition(disk_, home_.path(), State(7)),
              StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_F(PartitionDirectoryTest, AFailedCreationLeavesNothingWhicheverCallFails) {
  std::uint64_t calls = 0;
  {
    support::FaultyFileSystem counter(real_);
    ASSERT_OK(CreatePartition(counter, home_.path(), State(1)));
    calls = counter.calls(Operation::kChange);
    ASSERT_OK(DeletePartition(real_, home_.path(), PartitionId(1)));
  }
  ASSERT_GE(calls, 6U);
  for (std::uint64_t nth = 1; nth <= calls; ++nth) {
    disk_.Clear();
    disk_.Add({.operation = Operation::kChange,
               .when = support::FaultRule::When::kOnly,
               .nth = nth,
               .error_number = ENOSPC});
    const absl::Status status = CreatePartition(disk_, home_.path(), State(1));
    // NOCOW is only asked for.
    if (status.ok()) {
      ASSERT_OK(DeletePartition(real_, home_.path(), PartitionId(1)));
    }
    EXPECT_THAT(real_.List(home_.path()), support::IsOkAndHolds(IsEmpty())) << "call " << nth;
  }
}

TEST_F(PartitionDirectoryTest, ACreationKilledAtAnyCallIsCleanedUpAndCanBeRepeated) {
  for (std::uint64_t nth = 1; nth <= 12; ++nth) {
    SCOPED_TRACE(nth);
    disk_.Clear();
    disk_.Add({.operation = Operation::kChange,
               .when = support::FaultRule::When::kFrom,
               .nth = nth,
               .error_number = EIO});
    const absl::Status status = CreatePartition(disk_, home_.path(), State(1));
    ASSERT_OK_AND_ASSIGN(const PartitionListing listing, ListPartitions(real_, home_.path()));
    EXPECT_THAT(listing.strangers, IsEmpty());
    if (listing.partitions.empty()) {
      EXPECT_THAT(real_.List(home_.path()), support::IsOkAndHolds(IsEmpty()));
      ASSERT_OK(CreatePartition(real_, home_.path(), State(1)));
    }
    ASSERT_OK(OpenPartition(real_, PartitionPath(home_.path(), PartitionId(1)), {}));
    ASSERT_OK(DeletePartition(real_, home_.path(), PartitionId(1)));
  }
}

TEST_F(PartitionDirectoryTest, ADeletionKilledAtAnyCallIsFinishedLater) {
  for (std::uint64_t nth = 1; nth <= 12; ++nth) {
    SCOPED_TRACE(nth);
    LogRig rig(real_, home_.path(), {.segment_bytes = 16 * 1024, .step_bytes = 8 * 1024});
    ASSERT_OK(rig.Create());
    ASSERT_OK(rig.Open());
    for (int i = 0; i < 6; ++i) ASSERT_OK(rig.Append({.value_bytes = 7000}));
    rig.DoWork();
    disk_.Clear();
    disk_.Add({.operation = Operation::kChange,
               .when = support::FaultRule::When::kFrom,
               .nth = nth,
               .error_number = EIO});
    const auto killed = DeletePartition(disk_, home_.path(), LogRig::kId);
    ASSERT_OK_AND_ASSIGN(const PartitionListing listing, ListPartitions(real_, home_.path()));
    if (!killed.ok() && !listing.partitions.empty() && nth > 2) {
      // From the mark on, the partition says itself that it is to go.
      ASSERT_OK_AND_ASSIGN(const auto opened, OpenPartition(real_, rig.directory(), {}));
      EXPECT_TRUE(opened.state.tombstone);
      EXPECT_THAT(opened.segments, IsEmpty());
    }
    ASSERT_OK(DeletePartition(real_, home_.path(), LogRig::kId));
    EXPECT_THAT(real_.List(home_.path()), support::IsOkAndHolds(IsEmpty()));
  }
}

TEST_F(PartitionDirectoryTest, DeletingSaysWhatItFreedAndTwiceIsFine) {
  LogRig rig(real_, home_.path(), {.segment_bytes = 64 * 1024, .step_bytes = 64 * 1024});
  ASSERT_OK(rig.Create());
  ASSERT_OK(rig.Open());
  ASSERT_OK(rig.Append({}));
  ASSERT_OK_AND_ASSIGN(const DeletedPartition deleted,
                       DeletePartition(disk_, home_.path(), LogRig::kId));
  EXPECT_GE(deleted.freed_bytes, 64 * 1024);
  ASSERT_OK_AND_ASSIGN(const DeletedPartition again,
                       DeletePartition(disk_, home_.path(), LogRig::kId));
  EXPECT_EQ(again.freed_bytes, 0);
}

TEST_F(PartitionDirectoryTest, AStateOfAnotherPartitionIsRefused) {
  ASSERT_OK(CreatePartition(disk_, home_.path(), State(1)));
  ASSERT_OK(disk_.Rename(PartitionPath(home_.path(), PartitionId(1)),
                         PartitionPath(home_.path(), PartitionId(2))));
  EXPECT_THAT(
      OpenPartition(disk_, PartitionPath(home_.path(), PartitionId(2)), {}),
      StatusIs(absl::StatusCode::kDataLoss, testing::HasSubstr("of partition 0000000000000001")));
}

}  // namespace
}  // namespace tidemark::storage
