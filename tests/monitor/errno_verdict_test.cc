#include "monitor/errno_verdict.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "base/errno_status.h"

namespace tidemark::monitor {
namespace {

constexpr DiskOperation kOperations[] = {DiskOperation::kAllocate, DiskOperation::kSync,
                                         DiskOperation::kJournal,  DiskOperation::kRead,
                                         DiskOperation::kRemove,   DiskOperation::kStat};

// s: space, d: device, u: unavailable, r: refused; a column per operation as above.
struct ErrnoRow {
  int error_number;
  const char* meanings;
};
constexpr ErrnoRow kRows[] = {
    {ENOSPC, "sddrrr"}, {EDQUOT, "sddrrr"}, {EIO, "dddddd"},    {EROFS, "dddddd"},
    {ESTALE, "dddddd"}, {ENODEV, "dddddd"}, {ENXIO, "dddddd"},  {EUCLEAN, "dddddd"},
    {EMFILE, "udduuu"}, {ENFILE, "udduuu"}, {ENOMEM, "udduuu"}, {EACCES, "rddrrr"},
    {ENOENT, "rddrrr"}, {EEXIST, "rddrrr"}, {EINVAL, "rddrrr"}, {EFBIG, "rddrrr"},
    {0, "rddrrr"},
};

char LetterOf(ErrnoMeaning meaning) { return ErrnoMeaningName(meaning).front(); }

TEST(ErrnoVerdictTest, TheOperationOutranksTheNumber) {
  for (const ErrnoRow& row : kRows) {
    for (std::size_t i = 0; i < std::size(kOperations); ++i) {
      EXPECT_EQ(LetterOf(JudgeErrno(kOperations[i], row.error_number).meaning), row.meanings[i])
          << base::ErrnoName(row.error_number) << " at operation " << i;
    }
  }
}

TEST(ErrnoVerdictTest, NoErrnoAtASyncIsEverSpaceOrHarmless) {
  for (int error_number = 0; error_number < 200; ++error_number) {
    for (const DiskOperation operation : {DiskOperation::kSync, DiskOperation::kJournal}) {
      EXPECT_EQ(JudgeErrno(operation, error_number).meaning, ErrnoMeaning::kDevice) << error_number;
    }
  }
}

TEST(ErrnoVerdictTest, NamesTheCause) {
  EXPECT_EQ(JudgeErrno(DiskOperation::kAllocate, EDQUOT).space_cause, SpaceCause::kQuota);
  EXPECT_EQ(JudgeErrno(DiskOperation::kAllocate, ENOSPC).space_cause, SpaceCause::kBytes);
  EXPECT_EQ(JudgeErrno(DiskOperation::kSync, ENOSPC).device_cause, DeviceCause::kSyncFailed);
  EXPECT_EQ(JudgeErrno(DiskOperation::kSync, EROFS).device_cause, DeviceCause::kReadOnly);
  EXPECT_EQ(JudgeErrno(DiskOperation::kRead, ESTALE).device_cause, DeviceCause::kStale);
}

TEST(ErrnoVerdictTest, AStatusCarriesItsErrno) {
  const absl::Status status = base::ErrnoStatus(ENOSPC, "fallocate 'x'");
  EXPECT_EQ(JudgeStatus(DiskOperation::kAllocate, status).meaning, ErrnoMeaning::kSpace);
  EXPECT_EQ(JudgeStatus(DiskOperation::kSync, status).meaning, ErrnoMeaning::kDevice);
  EXPECT_EQ(JudgeStatus(DiskOperation::kSync, absl::DataLossError("read back other bytes")).meaning,
            ErrnoMeaning::kDevice);
  EXPECT_EQ(JudgeStatus(DiskOperation::kAllocate, absl::InternalError("x")).meaning,
            ErrnoMeaning::kRefused);
}

}  // namespace
}  // namespace tidemark::monitor
