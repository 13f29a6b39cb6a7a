#include "storage/log/partition_state.h"

#include "storage/fs/posix_file_system.h"
#include "storage/fs/slot_pair.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/golden_file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace tidemark::storage {
namespace {

using base::Offset;
using support::StatusIs;

PartitionState SampleState() {
  return {.id = base::PartitionId(0x2a),
          .topic = "orders",
          .index = 3,
          .log_start = Offset(4711),
          .leader_epoch = 2,
          .clean_end = Offset(5000),
          .lost_data = LostDataHold{"bit rot", {{Offset(4800), Offset(4803)}}}};
}

TEST(PartitionStateTest, BytesAreThoseOfTheGoldenFile) {
  const auto slot = EncodeSlot(MakeSlotKind("PART"), 1, EncodePartitionState(SampleState()));
  EXPECT_TRUE(support::MatchesGolden("partition_state_v1.hex", slot));
}

TEST(PartitionStateTest, ReadsTheGoldenFile) {
  const DecodedSlot slot =
      DecodeSlot(MakeSlotKind("PART"), support::ReadGolden("partition_state_v1.hex"));
  ASSERT_EQ(slot.state, SlotState::kValid);
  EXPECT_THAT(DecodePartitionState(slot.payload), support::IsOkAndHolds(SampleState()));
}

TEST(FormatDocumentTest, ShowsEveryGoldenFileOfStorage) {
  for (const char* name :
       {"batch_v1.hex", "segment_v1.hex", "index_v1.hex", "partition_state_v1.hex"}) {
    EXPECT_TRUE(support::DocumentShows("storage/FORMAT.md", name));
  }
}

TEST(PartitionStateTest, EveryStateComesBack) {
  PartitionState plain{.id = base::PartitionId(~0ULL), .topic = std::string(249, 'x')};
  PartitionState deleted = SampleState();
  deleted.tombstone = true;
  deleted.clean_end.reset();
  PartitionState held = SampleState();
  held.lost_data->ranges.clear();
  for (const PartitionState& state : {plain, deleted, held, PartitionState{}}) {
    EXPECT_THAT(DecodePartitionState(EncodePartitionState(state)), support::IsOkAndHolds(state));
  }
}

TEST(PartitionStateTest, EveryTruncationIsRefused) {
  const auto good = EncodePartitionState(SampleState());
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_THAT(DecodePartitionState(std::span(good).first(length)),
                StatusIs(absl::StatusCode::kDataLoss))
        << length;
  }
}

TEST(PartitionStateTest, MoreRangesThanFitAreHeldAsOneNeverForgotten) {
  PartitionState state = SampleState();
  state.lost_data->reason.assign(5000, 'r');
  state.lost_data->ranges.clear();
  for (int i = 0; i < 200; ++i)
    state.lost_data->ranges.push_back({Offset(10 * i), Offset(10 * i + 1)});
  ASSERT_OK_AND_ASSIGN(const PartitionState read,
                       DecodePartitionState(EncodePartitionState(state)));
  EXPECT_EQ(read.lost_data->reason.size(), 512U);
  EXPECT_EQ(read.lost_data->ranges.size(), 64U);
  EXPECT_EQ(read.lost_data->ranges.back(), (LostRange{Offset(630), Offset(1991)}));
}

TEST(PartitionStateTest, ATornSaveLeavesTheStateBefore) {
  const support::TempDirectory home;
  PosixFileSystem real;
  PartitionState state = SampleState();
  ASSERT_OK(CreatePartitionState(real, home.path(), state));
  for (std::size_t torn_at = 0; torn_at < 90; torn_at += 7) {
    support::FaultyFileSystem disk(real);
    disk.Add({.operation = support::Operation::kWriteAt,
              .short_write_bytes = torn_at,
              .error_number = EIO});
    PartitionState next = state;
    next.log_start = Offset(9999);
    next.topic = "changed";
    EXPECT_THAT(SavePartitionState(disk, home.path(), next), support::HasErrno(EIO));
    ASSERT_THAT(LoadPartitionState(real, home.path()), support::IsOkAndHolds(state)) << torn_at;
  }
  state.log_start = Offset(4712);
  ASSERT_OK(SavePartitionState(real, home.path(), state));
  EXPECT_THAT(LoadPartitionState(real, home.path()), support::IsOkAndHolds(state));
}

}  // namespace
}  // namespace tidemark::storage
