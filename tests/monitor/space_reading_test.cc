#include "monitor/space_reading.h"

#include <gtest/gtest.h>

#include <limits>

#include "monitor/marks.h"
#include "monitor/space_level.h"

namespace tidemark::monitor {
namespace {

constexpr base::MonotonicTime kStarted{std::chrono::seconds(1)};
constexpr base::MonotonicTime kFinished{std::chrono::seconds(2)};

storage::FileSystemStat Stat(std::uint64_t fragment, std::uint64_t total, std::uint64_t free,
                             std::uint64_t available) {
  storage::FileSystemStat stat;
  stat.fragment_bytes = fragment;
  stat.blocks_total = total;
  stat.blocks_free = free;
  stat.blocks_available = available;
  stat.inodes_total = 100;
  stat.inodes_available = 40;
  stat.device_id = 7;
  stat.file_system_id = 8;
  stat.type_magic = 0xEF53;
  return stat;
}

TEST(SpaceReadingTest, CountsWhatWeMayUseAndAgreesWithDf) {
  // df of a 1000-block ext4 with 50 blocks for root: used 600, available 350, 63.2 %.
  const auto outcome = JudgeReading(Stat(4096, 1000, 400, 350), kStarted, kFinished);
  ASSERT_TRUE(std::holds_alternative<SpaceReading>(outcome));
  const auto& reading = std::get<SpaceReading>(outcome);
  EXPECT_EQ(reading.available_bytes, 350 * 4096);
  EXPECT_EQ(reading.root_only_bytes, 50 * 4096);
  EXPECT_EQ(reading.total_bytes, 950 * 4096);
  EXPECT_EQ(reading.inodes_available, 40);
  EXPECT_EQ(reading.inodes_total, 100);
  EXPECT_TRUE(reading.counts_inodes);
  EXPECT_EQ(reading.identity, (VolumeIdentity{7, 8}));
  EXPECT_EQ(reading.started, kStarted);
  EXPECT_EQ(reading.finished, kFinished);
}

struct Accepted {
  const char* name;
  storage::FileSystemStat stat;
  std::int64_t available_bytes;
  std::int64_t total_bytes;
};

TEST(SpaceReadingTest, AcceptsWhatRealFilesystemsSay) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  const Accepted cases[] = {
      {"fragment of 1 KiB where the block size is 1 MiB", Stat(1024, 1 << 20, 1000, 1000),
       1'024'000, std::int64_t{1} << 30},
      {"bfree far above bavail (resv_strict)", Stat(4096, 100'000'000, 60'000'000, 10), 40'960,
       40'000'010LL * 4096},
      {"nothing available", Stat(4096, 1000, 50, 0), 0, 950 * 4096},
      {"all free", Stat(4096, 1000, 1000, 1000), 4'096'000, 4'096'000},
      {"less than nothing, as xfs says of a full disk", Stat(4096, 73'728, ~3ULL, ~3ULL), 0,
       73'728LL * 4096},
      {"8 EiB less a byte", Stat(1, kMax, kMax, kMax), std::numeric_limits<std::int64_t>::max(),
       std::numeric_limits<std::int64_t>::max()},
  };
  for (const Accepted& c : cases) {
    const auto outcome = JudgeReading(c.stat, kStarted, kFinished);
    ASSERT_TRUE(std::holds_alternative<SpaceReading>(outcome)) << c.name;
    EXPECT_EQ(std::get<SpaceReading>(outcome).available_bytes, c.available_bytes) << c.name;
    EXPECT_EQ(std::get<SpaceReading>(outcome).total_bytes, c.total_bytes) << c.name;
  }
}

TEST(SpaceReadingTest, RefusesAbsurdNumbers) {
  constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();
  storage::FileSystemStat inodes = Stat(4096, 1000, 400, 350);
  inodes.inodes_available = 101;
  storage::FileSystemStat many_inodes = Stat(4096, 1000, 400, 350);
  many_inodes.inodes_total = kHuge;
  const struct {
    const char* name;
    storage::FileSystemStat stat;
    ReadingFaultKind kind;
  } cases[] = {
      {"total 0, as /proc says", Stat(4096, 0, 0, 0), ReadingFaultKind::kNoTotal},
      {"fragment 0", Stat(0, 1000, 400, 350), ReadingFaultKind::kNoTotal},
      {"free above total", Stat(4096, 1000, 1001, 350), ReadingFaultKind::kFreeAboveTotal},
      {"available above free", Stat(4096, 1000, 400, 401), ReadingFaultKind::kFreeAboveTotal},
      {"a negative available, cast", Stat(4096, 1000, 400, kHuge - 9),
       ReadingFaultKind::kFreeAboveTotal},
      {"less than nothing by more than there is", Stat(4096, 1000, kHuge - 1000, kHuge - 1000),
       ReadingFaultKind::kFreeAboveTotal},
      {"all of it for root", Stat(4096, 1000, 1000, 0), ReadingFaultKind::kNoTotal},
      {"inodes available above total", inodes, ReadingFaultKind::kFreeAboveTotal},
      {"more inodes than 63 bits", many_inodes, ReadingFaultKind::kOverflow},
      {"bytes beyond 63 bits", Stat(4096, kHuge / 2, 10, 10), ReadingFaultKind::kOverflow},
  };
  for (const auto& c : cases) {
    const auto outcome = JudgeReading(c.stat, kStarted, kFinished);
    ASSERT_TRUE(std::holds_alternative<ReadingFault>(outcome)) << c.name;
    EXPECT_EQ(std::get<ReadingFault>(outcome).kind, c.kind) << c.name;
    EXPECT_NE(std::get<ReadingFault>(outcome).detail, "") << c.name;
  }
}

TEST(SpaceReadingTest, IgnoresInodesWhereTheFilesystemCountsNone) {
  storage::FileSystemStat stat = Stat(4096, 1000, 400, 350);
  stat.inodes_total = 0;
  stat.inodes_available = 0;
  const auto outcome = JudgeReading(stat, kStarted, kFinished);
  ASSERT_TRUE(std::holds_alternative<SpaceReading>(outcome));
  const auto& reading = std::get<SpaceReading>(outcome);
  EXPECT_FALSE(reading.counts_inodes);
  Marks marks;
  marks.full_inodes = 10;
  EXPECT_EQ(LevelByInodes(reading, marks), SpaceLevel::kOk);
}

TEST(SpaceReadingTest, LevelIsTheWorseOfBytesAndInodes) {
  Marks marks;
  marks.full_bytes = 100;
  marks.low_bytes = 200;
  marks.full_inodes = 10;
  marks.low_inodes = 20;
  SpaceReading reading;
  reading.counts_inodes = true;
  const struct {
    std::int64_t bytes;
    std::int64_t inodes;
    SpaceLevel level;
  } cases[] = {
      {200, 20, SpaceLevel::kOk},  {199, 20, SpaceLevel::kLow}, {200, 19, SpaceLevel::kLow},
      {100, 20, SpaceLevel::kLow}, {99, 20, SpaceLevel::kFull}, {200, 9, SpaceLevel::kFull},
      {99, 9, SpaceLevel::kFull},  {150, 10, SpaceLevel::kLow},
  };
  for (const auto& c : cases) {
    reading.available_bytes = c.bytes;
    reading.inodes_available = c.inodes;
    EXPECT_EQ(LevelOf(reading, marks), c.level) << c.bytes << " bytes, " << c.inodes << " inodes";
  }
}

}  // namespace
}  // namespace tidemark::monitor
