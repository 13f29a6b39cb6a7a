#include "storage/log/partition_recovery.h"

#include "storage/fs/posix_file_system.h"
#include "storage/segment/segment_name.h"
#include "tests/storage/log/log_rig.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/temp_directory.h"

namespace tidemark::storage {
namespace {

using base::FilePosition;
using base::Offset;
using support::Operation;
using support::StatusIs;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class PartitionRecoveryTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(rig_.Create());
    ASSERT_OK(rig_.Open());
  }
  PartitionLog& log() { return rig_.log(); }

  std::vector<std::byte> ReadFile(const std::string& path) {
    auto file = disk_.Open(path, OpenMode::kRead);
    EXPECT_OK(file);
    std::vector<std::byte> bytes(static_cast<std::size_t>((*file)->Stat()->size));
    EXPECT_OK((*file)->ReadAt(FilePosition(0), bytes));
    return bytes;
  }
  void WriteAt(const std::string& path, std::int64_t position, std::vector<std::byte> bytes) {
    auto file = disk_.Open(path, OpenMode::kReadWrite);
    ASSERT_OK(file);
    const iovec slice{bytes.data(), bytes.size()};
    ASSERT_OK((*file)->WriteAt(FilePosition(position), {&slice, 1}));
  }
  void Flip(const std::string& path, std::int64_t position) {
    auto bytes = ReadFile(path);
    WriteAt(path, position, {bytes[static_cast<std::size_t>(position)] ^ std::byte{0x20}});
  }
  // Three segments and a little.
  void FillSegments() {
    for (int i = 0; i < 60; ++i) ASSERT_OK(rig_.Append({.value_bytes = 3'000}));
    rig_.DoWork();
    ASSERT_GE(log().segment_count(), 3U);
  }

  support::TempDirectory home_;
  PosixFileSystem real_;
  support::FaultyFileSystem disk_{real_};
  LogRig rig_{disk_, home_.path(), {.segment_bytes = 64 * 1024, .step_bytes = 16 * 1024}};
};

TEST_F(PartitionRecoveryTest, AKilledLogOpensWithAllItHad) {
  FillSegments();
  const Offset end = log().DurableEnd();
  const auto before = rig_.Values(Offset(0));
  const auto segments = log().Segments();
  ASSERT_OK(rig_.Reopen());
  EXPECT_EQ(log().DurableEnd(), end);
  EXPECT_EQ(rig_.Values(Offset(0)), before);
  EXPECT_FALSE(rig_.recovered().clean_stop);
  EXPECT_EQ(rig_.recovered().segments_scanned, 1) << "closed segments are not read";
  EXPECT_EQ(log().segment_count(), segments.size());
  EXPECT_EQ(log().Segments().front().max_timestamp, segments.front().max_timestamp);
  ASSERT_OK(rig_.Append({}));
}

// Red before: a kill between the write of a trim's mark and its sync, a start that removed what the
// mark allowed, a power cut that took the mark back. The log began at 0 again.
TEST_F(PartitionRecoveryTest, ATrimGoesOnOnlyAfterItsMarkIsDurable) {
  FillSegments();
  const auto rule = disk_.Add({.operation = Operation::kSyncData,
                               .path_contains = kPartitionStateFile,
                               .error_number = EIO});
  ASSERT_OK_AND_ASSIGN(const TrimResult trimmed, rig_.Trim(log().DurableEnd()));
  EXPECT_FALSE(trimmed.state_status.ok());
  disk_.Remove(rule);

  const std::uint64_t syncs = disk_.calls(Operation::kSyncData);
  int removed = 0;
  disk_.Add({.operation = Operation::kRemoveFile, .path_contains = ".log", .before = [&] {
               ++removed;
               EXPECT_GT(disk_.calls(Operation::kSyncData), syncs) << "of the mark";
             }});
  ASSERT_OK(rig_.Reopen());
  EXPECT_GE(removed, 3);
}

TEST_F(PartitionRecoveryTest, WhatAKillLeftUnsyncedIsSyncedBeforeItCountsAsDurable) {
  ASSERT_OK(rig_.Append({}));
  const auto syncs = disk_.calls(Operation::kSyncAll);
  ASSERT_OK(rig_.Reopen());
  EXPECT_GT(disk_.calls(Operation::kSyncAll), syncs);
  disk_.Add({.operation = Operation::kSyncAll, .error_number = EIO});
  EXPECT_THAT(rig_.Reopen(), support::HasErrno(EIO));
}

TEST_F(PartitionRecoveryTest, ATornLastBatchIsCutAtEveryLengthAndTheStepKept) {
  ASSERT_OK(rig_.Append({.records = 2}));
  ASSERT_OK(rig_.Append({.records = 3, .tag = "torn"}));
  const std::string path = rig_.SegmentPath(Offset(0));
  const auto whole = ReadFile(path);
  const auto torn_at = static_cast<std::int64_t>(support::MakeBatch({.records = 2}).size());
  const auto torn_end =
      torn_at + static_cast<std::int64_t>(support::MakeBatch({.records = 3, .tag = "torn"}).size());
  for (std::int64_t length = torn_at; length < torn_end - 1; ++length) {
    SCOPED_TRACE(length);
    WriteAt(path, 0, whole);
    WriteAt(path, length, std::vector<std::byte>(static_cast<std::size_t>(torn_end - length)));
    ASSERT_OK(rig_.Reopen());
    EXPECT_EQ(log().LogEnd(), Offset(2));
    EXPECT_THAT(rig_.recovered().damages, IsEmpty());
    EXPECT_EQ(rig_.recovered().torn_bytes > 0, length > torn_at);
    EXPECT_EQ(log().held_step_bytes(), std::ssize(whole) - torn_at) << "the step stays";
    const auto cut = ReadFile(path);
    EXPECT_TRUE(std::all_of(cut.begin() + torn_at, cut.end(),
                            [](std::byte b) { return b == std::byte{0}; }));
  }
  ASSERT_THAT(rig_.Append({.value_bytes = 0, .tag = "next"}), support::IsOkAndHolds(Offset(2)));
  ASSERT_OK(rig_.Reopen());
  ASSERT_OK_AND_ASSIGN(const auto values, rig_.Values(Offset(2)));
  EXPECT_THAT(values, ElementsAre("next0"));
}

TEST_F(PartitionRecoveryTest, RecoveryKilledAtAnyCallGivesTheSameTheNextTime) {
  ASSERT_OK(rig_.Append({.tag = "a"}));
  ASSERT_OK(rig_.Append({.tag = "b"}));
  const std::string path = rig_.SegmentPath(Offset(0));
  Flip(path, static_cast<std::int64_t>(support::MakeBatch().size()) + 70);
  const auto crashed = ReadFile(path);
  for (std::uint64_t nth = 1; nth <= 6; ++nth) {
    WriteAt(path, 0, crashed);
    const auto rule = disk_.Add({.operation = Operation::kChange,
                                 .when = support::FaultRule::When::kFrom,
                                 .nth = nth,
                                 .error_number = EIO});
    rig_.Reopen().IgnoreError();
    disk_.Remove(rule);
    ASSERT_OK(rig_.Reopen());
    EXPECT_EQ(log().LogEnd(), Offset(1)) << nth;
    EXPECT_THAT(rig_.recovered().damages, IsEmpty());
  }
}

TEST_F(PartitionRecoveryTest, DamageBeforeValidBatchesIsKeptAndHeld) {
  for (int i = 0; i < 5; ++i) ASSERT_OK(rig_.Append({.records = 2}));
  const std::string path = rig_.SegmentPath(Offset(0));
  const auto batch = static_cast<std::int64_t>(support::MakeBatch({.records = 2}).size());
  Flip(path, 2 * batch + 70);  // offsets 4 and 5
  const auto damaged = ReadFile(path);
  for (int round = 0; round < 2; ++round) {
    ASSERT_OK(rig_.Reopen());
    ASSERT_EQ(rig_.recovered().damages.size(), 1U);
    EXPECT_EQ(rig_.recovered().damages[0].range, (LostRange{Offset(4), Offset(6)}));
    EXPECT_THAT(rig_.recovered().damages[0].what, HasSubstr("checksum wrong"));
    ASSERT_TRUE(log().state().lost_data.has_value());
    EXPECT_THAT(log().state().lost_data->ranges, ElementsAre(LostRange{Offset(4), Offset(6)}));
    EXPECT_EQ(ReadFile(path), damaged) << "not a byte is changed";
    // Before and behind it everything is readable.
    EXPECT_EQ(log().LogEnd(), Offset(10));
    EXPECT_THAT(rig_.Values(Offset(0)), StatusIs(absl::StatusCode::kDataLoss));
    ASSERT_OK_AND_ASSIGN(const auto plan, log().PlanRead(Offset(0), 1 << 20, Isolation::kDurable));
    ASSERT_OK_AND_ASSIGN(const ReadBatches front, ReadSegment(disk_, *plan));
    EXPECT_EQ(front.next_offset, Offset(4));
    EXPECT_EQ(log().LostRangeAt(Offset(4))->end, Offset(6));
    EXPECT_EQ(rig_.Values(Offset(6))->size(), 4U);
    EXPECT_THAT(rig_.Append({}), StatusIs(absl::StatusCode::kFailedPrecondition));
  }
}

TEST_F(PartitionRecoveryTest, AClosedSegmentIsNeverCut) {
  FillSegments();
  const auto segments = log().Segments();
  const std::string path = rig_.SegmentPath(segments[0].base_offset);
  // Its end is gone, and so is its index.
  ASSERT_OK(disk_.RemoveFile(JoinPath(rig_.directory(), IndexFileName(Offset(0)))));
  Flip(path, std::ssize(ReadFile(path)) - 10);
  const auto damaged = ReadFile(path);
  ASSERT_OK(rig_.Reopen());
  ASSERT_EQ(rig_.recovered().damages.size(), 1U);
  EXPECT_EQ(rig_.recovered().damages[0].range,
            (LostRange{segments[0].end_offset - 1, segments[0].end_offset}));
  EXPECT_EQ(ReadFile(path), damaged);
  EXPECT_EQ(rig_.Values(segments[1].base_offset)->size(),
            static_cast<std::size_t>(segments.back().end_offset - segments[1].base_offset));
}

TEST_F(PartitionRecoveryTest, AMissingSegmentIsDamage) {
  FillSegments();
  const auto segments = log().Segments();
  struct Case {
    std::size_t missing;
    LostRange lost;
  };
  for (const Case& c : {Case{1, {segments[1].base_offset, segments[1].end_offset}},
                        Case{0, {Offset(0), segments[0].end_offset}}}) {
    const std::string path = rig_.SegmentPath(segments[c.missing].base_offset);
    ASSERT_OK(disk_.Rename(path, home_.File("aside")));
    ASSERT_OK(rig_.Reopen());
    ASSERT_FALSE(rig_.recovered().damages.empty());
    EXPECT_EQ(rig_.recovered().damages[0].range, c.lost);
    ASSERT_OK(disk_.Rename(home_.File("aside"), path));
  }
}

TEST_F(PartitionRecoveryTest, AnIndexIsRebuiltWhenItIsMissingWrongOrStale) {
  FillSegments();
  const auto values = rig_.Values(Offset(0));
  const std::string index = JoinPath(rig_.directory(), IndexFileName(Offset(0)));
  const auto good = ReadFile(index);
  for (const char* what : {"missing", "wrong", "stale"}) {
    SCOPED_TRACE(what);
    if (what == std::string("missing")) {
      ASSERT_OK(disk_.RemoveFile(index));
    }
    if (what == std::string("wrong")) Flip(index, 50);
    if (what == std::string("stale")) {
      SparseIndex past;
      past.Add(Offset(0), FilePosition(0), 5);
      ASSERT_OK(WriteIndexFile(disk_, rig_.directory(),
                               {Offset(0), Offset(1), FilePosition(3000), past}));
    }
    ASSERT_OK(rig_.Reopen());
    EXPECT_EQ(rig_.recovered().segments_scanned, 2);
    EXPECT_THAT(rig_.recovered().damages, IsEmpty());
    EXPECT_EQ(rig_.Values(Offset(0)), values);
    rig_.DoWork();
    EXPECT_EQ(ReadFile(index), good) << "written again, within budget";
  }
}

TEST_F(PartitionRecoveryTest, ARollKilledBeforeItsSealIsSealedAtTheNextOpen) {
  const Buffer batch = support::MakeBatch({.value_bytes = 15'000});
  while (log().segment_count() < 2) ASSERT_OK(rig_.AppendBatch(batch));
  ASSERT_OK(rig_.Reopen());
  EXPECT_THAT(rig_.recovered().damages, IsEmpty());
  rig_.DoWork();
  ASSERT_OK_AND_ASSIGN(const FileStat stat, disk_.Stat(rig_.SegmentPath(Offset(0))));
  EXPECT_EQ(stat.size % std::ssize(batch.bytes()), 0) << "the unused step was given back";
  EXPECT_OK(disk_.Stat(JoinPath(rig_.directory(), IndexFileName(Offset(0)))));
}

TEST_F(PartitionRecoveryTest, ARollKilledBehindItsNewSegmentGoesOnInIt) {
  FillSegments();
  const Offset end = log().LogEnd();
  log().RollIfDue({rig_.now().monotonic, rig_.now().wall});
  const StepResult step = AllocateStep(disk_, {.directory = rig_.directory(),
                                               .segment_base = end,
                                               .length_bytes = 16 * 1024,
                                               .new_segment = true});
  ASSERT_OK(step.status);
  ASSERT_OK(rig_.Reopen());
  EXPECT_THAT(rig_.recovered().damages, IsEmpty());
  EXPECT_EQ(log().held_step_bytes(), 16 * 1024);
  EXPECT_THAT(rig_.Append({}), support::IsOkAndHolds(end));
}

TEST_F(PartitionRecoveryTest, ACleanStopIsKnownAndItsEndIsHeldToAccount) {
  for (int i = 0; i < 3; ++i) ASSERT_OK(rig_.Append({}));
  ASSERT_OK(rig_.Stop());
  const std::string path = rig_.SegmentPath(Offset(0));
  const auto whole = ReadFile(path);
  const auto batch = static_cast<std::int64_t>(support::MakeBatch().size());
  // What after a kill would be a torn tail is, after a clean stop, loss of acknowledged records.
  WriteAt(path, 2 * batch + 30, std::vector<std::byte>(static_cast<std::size_t>(batch)));
  ASSERT_OK(rig_.Open());
  EXPECT_TRUE(rig_.recovered().clean_stop);
  ASSERT_EQ(rig_.recovered().damages.size(), 1U);
  EXPECT_EQ(rig_.recovered().damages[0].range, (LostRange{Offset(2), Offset(3)}));
  EXPECT_EQ(log().LogEnd(), Offset(3));
  EXPECT_FALSE(log().state().clean_end.has_value());
}

TEST_F(PartitionRecoveryTest, ACleanStopWithNothingWrongOpensCleanAndOnlyOnce) {
  for (int i = 0; i < 3; ++i) ASSERT_OK(rig_.Append({}));
  ASSERT_OK(rig_.Stop());
  ASSERT_OK(rig_.Open());
  EXPECT_TRUE(rig_.recovered().clean_stop);
  EXPECT_THAT(rig_.recovered().damages, IsEmpty());
  ASSERT_OK(rig_.Reopen());
  EXPECT_FALSE(rig_.recovered().clean_stop) << "the second time it was a kill";
}

TEST_F(PartitionRecoveryTest, AWipedLogAfterACleanStopIsNotSilentlyEmpty) {
  ASSERT_OK(rig_.Append({.records = 5}));
  ASSERT_OK(rig_.Stop());
  ASSERT_OK(disk_.RemoveFile(rig_.SegmentPath(Offset(0))));
  ASSERT_OK(rig_.Open());
  ASSERT_EQ(rig_.recovered().damages.size(), 1U);
  EXPECT_EQ(rig_.recovered().damages[0].range, (LostRange{Offset(0), Offset(5)}));
  EXPECT_THAT(rig_.Append({}), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(PartitionRecoveryTest, WhatANewerVersionWroteIsNotCut) {
  ASSERT_OK(rig_.Append({}));
  ASSERT_OK(rig_.Append({}));
  const std::string path = rig_.SegmentPath(Offset(0));
  const auto batch = static_cast<std::int64_t>(support::MakeBatch().size());
  WriteAt(path, batch + 3, {std::byte{2}});
  const auto newer = ReadFile(path);
  ASSERT_OK(rig_.Reopen());
  EXPECT_EQ(ReadFile(path), newer);
  EXPECT_EQ(rig_.recovered().damages.size(), 1U);
  EXPECT_THAT(rig_.Append({}), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(PartitionRecoveryTest, ASparseCopyHoldsNoStep) {
  ASSERT_OK(rig_.Append({}));
  const std::string path = rig_.SegmentPath(Offset(0));
  auto file = disk_.Open(path, OpenMode::kReadWrite);
  ASSERT_OK((*file)->Truncate(4096));
  ASSERT_OK((*file)->Truncate(1 << 20));
  ASSERT_OK(rig_.Reopen());
  EXPECT_EQ(log().held_step_bytes(), 0) << "space that is not allocated is no room";
  ASSERT_OK(rig_.Append({}));
  EXPECT_EQ(rig_.Values(Offset(0))->size(), 2U);
}

TEST_F(PartitionRecoveryTest, UnreadableStateSlotsAreDataLoss) {
  const std::string path = JoinPath(rig_.directory(), kPartitionStateFile);
  Flip(path, 100);
  EXPECT_THAT(rig_.Reopen(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("no valid state, 1 of 2")));
}

}  // namespace
}  // namespace tidemark::storage
