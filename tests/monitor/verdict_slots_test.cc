#include "monitor/verdict_slots.h"

#include <cerrno>
#include <string>
#include <vector>

#include "monitor/verdict_codec.h"
#include "tests/monitor/verdict_samples.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/small_volume_fixture.h"
#include "tests/support/temp_directory.h"

namespace tidemark::monitor {
namespace {

using base::FilePosition;
using storage::kSlotBytes;
using support::FaultRule;
using support::Operation;
using support::StatusIs;

class VerdictSlotsTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_OK(VerdictSlots::Create(disk_, layout_, false, FreshVerdict())); }

  VerdictSlots Open(const base::Uuid& volume = SampleVolume()) {
    auto slots = VerdictSlots::Open(disk_, layout_, volume);
    EXPECT_OK(slots);
    return *std::move(slots);
  }
  void WriteUpTo(std::uint64_t generation) {
    VerdictSlots slots = Open();
    for (std::uint64_t g = 1; g <= generation; ++g) ASSERT_OK(slots.Write(SpaceVerdict(g)));
  }
  void Spoil(std::size_t slot, std::byte with, std::size_t length) {
    ASSERT_OK_AND_ASSIGN(const auto file,
                         disk_.Open(layout_.verdict_slots(), storage::OpenMode::kReadWrite));
    std::vector<std::byte> bytes(length, with);
    const iovec slice{bytes.data(), bytes.size()};
    ASSERT_OK(
        file->WriteAt(FilePosition(static_cast<std::int64_t>(slot * kSlotBytes)), {&slice, 1}));
  }
  bool WereUsed() { return VerdictSlots::WereUsed(disk_, layout_).value_or(true); }

  storage::PosixFileSystem real_;
  support::FaultyFileSystem disk_{real_};
  support::TempDirectory home_;
  VolumeLayout layout_{home_.path()};
};

TEST_F(VerdictSlotsTest, FormatLeavesAFreshVerdict) {
  const LoadedVerdict loaded = Open().loaded();
  ASSERT_TRUE(loaded.record.has_value());
  EXPECT_EQ(*loaded.record, FreshVerdict());
  EXPECT_EQ(loaded.unreadable_slots, 0);
  EXPECT_FALSE(WereUsed());
}

TEST_F(VerdictSlotsTest, TheNewestWins) {
  for (std::uint64_t generation = 1; generation <= 5; ++generation) {
    ASSERT_OK(Open().Write(SpaceVerdict(generation)));
    const LoadedVerdict loaded = Open().loaded();
    EXPECT_EQ(loaded, (LoadedVerdict{SpaceVerdict(generation), 0}));
    EXPECT_TRUE(WereUsed());
  }
}

// Red before: a kill between write and sync, a start that told the generation, a power cut.
TEST_F(VerdictSlotsTest, WhatWasReadIsOnTheDiskBeforeItIsTold) {
  WriteUpTo(3);
  const std::uint64_t writes = disk_.calls(Operation::kWriteAt);
  const std::uint64_t syncs = disk_.calls(Operation::kSyncData);
  EXPECT_EQ(Open().loaded(), (LoadedVerdict{SpaceVerdict(3), 0}));
  // A sync alone would not do after a failed one: the pages count as clean.
  EXPECT_EQ(disk_.calls(Operation::kWriteAt), writes + 1);
  EXPECT_EQ(disk_.calls(Operation::kSyncData), syncs + 1);
  EXPECT_EQ(Open().loaded(), (LoadedVerdict{SpaceVerdict(3), 0}));

  disk_.Add({.operation = Operation::kSyncData, .error_number = EIO});
  EXPECT_THAT(VerdictSlots::Open(disk_, layout_, SampleVolume()),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(VerdictSlotsTest, AnUnreadableSlotIsReportedAndTheOtherIsRead) {
  struct Row {
    const char* what;
    std::uint64_t written;
    std::vector<std::size_t> spoiled;
    std::byte with;
    std::optional<VerdictRecord> expected;
    int unreadable;
  };
  const Row rows[] = {
      // Generation 0 is in slot 0, 1 in slot 1, 2 in slot 0, …
      {"newest torn", 4, {0}, std::byte{0x5A}, SpaceVerdict(3), 1},
      {"older torn", 4, {1}, std::byte{0x5A}, SpaceVerdict(4), 1},
      {"newest wiped", 4, {0}, std::byte{0}, SpaceVerdict(3), 1},
      {"older wiped", 4, {1}, std::byte{0}, SpaceVerdict(4), 1},
      {"both torn", 4, {0, 1}, std::byte{0x5A}, std::nullopt, 2},
      {"both wiped", 4, {0, 1}, std::byte{0}, std::nullopt, 2},
      {"first write torn", 0, {1}, std::byte{0x5A}, FreshVerdict(), 1},
      {"fresh wiped", 0, {0}, std::byte{0}, std::nullopt, 2},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    ASSERT_OK(disk_.RemoveFile(layout_.verdict_slots()));
    ASSERT_OK(VerdictSlots::Create(disk_, layout_, false, FreshVerdict()));
    WriteUpTo(row.written);
    for (const std::size_t slot : row.spoiled) Spoil(slot, row.with, kSlotBytes);
    EXPECT_EQ(Open().loaded(), (LoadedVerdict{row.expected, row.unreadable}));
  }
}

TEST_F(VerdictSlotsTest, ATornWriteNeverCostsTheRecordBefore) {
  WriteUpTo(4);
  VerdictRecord fifth = SampleVerdict();
  fifth.generation = base::Generation(5);
  fifth.last_proof->file_system = std::string(126, 'f');  // not zero up to the last byte it has
  constexpr std::size_t kLastByte = 32 + kVerdictPayloadBytes;
  std::vector<std::size_t> tears = {0, 1, 11, 12, 31, 32, 40, 48, kLastByte - 1, kLastByte};
  for (std::size_t tear = 64; tear < kLastByte; tear += 128) tears.push_back(tear);
  for (const std::size_t reached : tears) {
    SCOPED_TRACE(reached);
    VerdictSlots slots = Open();
    const auto rule = disk_.Add(
        {.operation = Operation::kWriteAt, .short_write_bytes = reached, .error_number = EIO});
    EXPECT_THAT(slots.Write(fifth), support::HasErrno(EIO));
    disk_.Remove(rule);
    EXPECT_FALSE(slots.Write(SpaceVerdict(6)).ok()) << "what is on disk is unknown: no second try";

    const LoadedVerdict loaded = Open().loaded();
    const bool whole = reached == kLastByte;
    EXPECT_EQ(loaded.record, whole ? fifth : SpaceVerdict(4));
    EXPECT_EQ(loaded.unreadable_slots, whole || reached == 0 ? 0 : 1);
    // The next tear starts from generation 4 and a slot of something else.
    Spoil(1, std::byte{0x5A}, kLastByte);
  }
  // The boot after a torn write: two generations on, in the torn slot's place.
  ASSERT_OK(Open().Write(SpaceVerdict(6)));
  EXPECT_EQ(Open().loaded(), (LoadedVerdict{SpaceVerdict(6), 0}));
}

TEST_F(VerdictSlotsTest, AFailedSyncIsFinal) {
  VerdictSlots slots = Open();
  const auto rule = disk_.Add({.operation = Operation::kSyncData, .error_number = EIO});
  EXPECT_THAT(slots.Write(SpaceVerdict(1)), support::HasErrno(EIO));
  disk_.Remove(rule);
  const auto writes = disk_.calls(Operation::kWriteAt);
  EXPECT_FALSE(slots.Write(SpaceVerdict(2)).ok());
  EXPECT_EQ(disk_.calls(Operation::kWriteAt), writes);
}

TEST_F(VerdictSlotsTest, ARecordOfAnotherVolumeIsNoRecord) {
  WriteUpTo(3);
  EXPECT_EQ(Open(base::Uuid::Random()).loaded(), (LoadedVerdict{std::nullopt, 2}));
}

TEST_F(VerdictSlotsTest, AFileOfTheWrongLengthIsRefused) {
  ASSERT_OK_AND_ASSIGN(const auto file,
                       disk_.Open(layout_.verdict_slots(), storage::OpenMode::kReadWrite));
  for (const std::int64_t length : {0, 1, 4096, 8191}) {
    ASSERT_OK(file->Truncate(length));
    EXPECT_THAT(VerdictSlots::Open(disk_, layout_, SampleVolume()),
                StatusIs(absl::StatusCode::kDataLoss));
  }
}

class FullVolumeSlotsTest : public support::OnSmallVolumes {};

TEST_P(FullVolumeSlotsTest, AreWritableWithNoByteAndNoInodeFree) {
  const VolumeLayout layout(path());
  ASSERT_OK(VerdictSlots::Create(disk_, layout, false, FreshVerdict()));
  ASSERT_OK(filler().TakeInodesUntilLeft(0));
  ASSERT_OK(filler().FillCompletely());
  ASSERT_EQ(available_bytes(), 0);
  ASSERT_EQ(available_inodes(), 0);
  ASSERT_OK_AND_ASSIGN(auto slots, VerdictSlots::Open(disk_, layout, SampleVolume()));
  for (std::uint64_t generation = 1; generation <= 20; ++generation) {
    ASSERT_OK(slots.Write(SpaceVerdict(generation)));
  }
  ASSERT_OK_AND_ASSIGN(const auto again, VerdictSlots::Open(disk_, layout, SampleVolume()));
  EXPECT_EQ(again.loaded(), (LoadedVerdict{SpaceVerdict(20), 0}));
}

INSTANTIATE_ON_SMALL_VOLUMES(FullVolumeSlotsTest);

}  // namespace
}  // namespace tidemark::monitor
