// A scripted day of a partition, killed at every single call that changes the disk.
#include "storage/fs/posix_file_system.h"
#include "tests/storage/log/log_rig.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/temp_directory.h"

namespace tidemark::storage {
namespace {

using base::Offset;
using support::FaultRule;
using support::Operation;

constexpr LogOptions kTiny{.segment_bytes = 16 * 1024, .step_bytes = 8 * 1024};
constexpr std::size_t kValueBytes = 2'500;

// What was promised to clients: record n holds "<n>." and was acknowledged.
struct Promises {
  std::int64_t acknowledged = 0;  // records 0 … acknowledged − 1
  std::int64_t attempted = 0;     // one more may be there
  Offset log_start;               // trims that were answered
  Offset trim_attempted;
};

bool AppendSome(LogRig& rig, int count, Promises& promises) {
  for (int i = 0; i < count; ++i) {
    promises.attempted = promises.acknowledged + 1;
    const auto appended = rig.Append(
        {.value_bytes = kValueBytes, .tag = absl::StrFormat("%d.", promises.acknowledged)});
    if (!appended.ok()) return false;
    EXPECT_EQ(appended->value(), promises.acknowledged);
    ++promises.acknowledged;
    rig.DoWork();
  }
  return true;
}

bool TrimTo(LogRig& rig, Offset before, Promises& promises) {
  promises.trim_attempted = before;
  const auto trimmed = rig.Trim(before);
  if (!trimmed.ok() || !trimmed->state_status.ok() || !trimmed->status.ok()) return false;
  promises.log_start = before;
  return true;
}

// False as soon as the disk no longer answers.
bool LiveADay(LogRig& rig, Promises& promises) {
  if (!rig.Open().ok()) return false;
  if (!AppendSome(rig, 14, promises)) return false;  // two rolls
  if (!TrimTo(rig, Offset(7), promises)) return false;
  rig.Advance(std::chrono::minutes(1));
  rig.DoWork();  // gives the step back
  if (!AppendSome(rig, 2, promises)) return false;
  if (!rig.Stop().ok() || !rig.Open().ok()) return false;
  if (!TrimTo(rig, rig.log().LogEnd(), promises)) return false;  // seals the active segment
  return AppendSome(rig, 3, promises);
}

void ExpectPromisesKept(LogRig& rig, const Promises& promises) {
  ASSERT_OK(rig.Open());
  EXPECT_TRUE(rig.recovered().damages.empty()) << rig.recovered().damages.front().what;
  PartitionLog& log = rig.log();
  EXPECT_GE(log.LogStart(), promises.log_start);
  EXPECT_LE(log.LogStart(), std::max(promises.log_start, promises.trim_attempted));
  EXPECT_GE(log.LogEnd().value(), promises.acknowledged);
  EXPECT_LE(log.LogEnd().value(), promises.attempted);
  ASSERT_OK_AND_ASSIGN(const auto values, rig.Values(log.LogStart()));
  ASSERT_EQ(std::ssize(values), log.LogEnd() - log.LogStart()) << "each once, none left out";
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::int64_t record = log.LogStart().value() + static_cast<std::int64_t>(i);
    EXPECT_TRUE(values[i].starts_with(absl::StrFormat("%d.", record))) << record;
    EXPECT_EQ(values[i].size(), kValueBytes);
  }
  ASSERT_THAT(rig.Append({}), support::IsOkAndHolds(log.LogEnd())) << "and it goes on";
}

TEST(KillAnywhereTest, NothingAcknowledgedIsLostWhereverTheProcessDies) {
  const support::TempDirectory home;
  PosixFileSystem real;
  std::uint64_t calls = 0;
  std::uint64_t kills = 0;
  for (std::uint64_t nth = 0; nth <= calls; ++nth) {
    SCOPED_TRACE(testing::Message() << "killed at call " << nth << " of " << calls);
    const std::string partitions = home.File(absl::StrFormat("%d", nth));
    ASSERT_OK(real.CreateDirectory(partitions));
    ASSERT_OK(LogRig(real, partitions, kTiny).Create());
    support::FaultyFileSystem disk(real);
    // Round 0 only counts. A write is torn in the middle of the batch.
    if (nth > 0) {
      disk.Add({.operation = Operation::kChange,
                .when = FaultRule::When::kFrom,
                .nth = nth,
                .short_write_bytes = nth % 5 == 0 ? 0 : nth * 37 % kValueBytes,
                .error_number = EIO});
    }
    Promises promises;
    {
      LogRig rig(disk, partitions, kTiny);
      const bool survived = LiveADay(rig, promises);
      EXPECT_TRUE(nth == 0 ? survived : true);
      if (nth == 0) calls = disk.calls(Operation::kChange);
      if (!survived) ++kills;
    }
    LogRig after(real, partitions, kTiny);
    ExpectPromisesKept(after, promises);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(calls, 60U);
  EXPECT_GT(kills, calls / 2) << "a kill that kills nothing tests nothing";
}

}  // namespace
}  // namespace tidemark::storage
