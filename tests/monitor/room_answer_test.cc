#include "monitor/room_answer.h"

#include <cerrno>
#include <optional>

#include "base/errno_status.h"
#include "gtest/gtest.h"

namespace tidemark::monitor {
namespace {

constexpr action::TakeRoom kRoom{
    .attempt = 7, .reserve_bytes = 4096, .steps = 2, .step_bytes = 512};

ReserveResult Reserve(int error_number, DiskOperation operation) {
  ReserveResult result;
  result.held_bytes = 4096;
  result.operation = operation;
  if (error_number != 0) result.status = base::ErrnoStatus(error_number, "reserve");
  return result;
}

StepsOutcome Steps(int error_number, DiskOperation operation) {
  StepsOutcome steps{.steps = 1, .bytes = 512, .status = {}, .operation = operation};
  if (error_number != 0) steps.status = base::ErrnoStatus(error_number, "steps");
  return steps;
}

TEST(RoomAnswerTest, TellsWhatIsHeldWhenAllWentWell) {
  const RoomAnswer answer = AnswerTakeRoom(kRoom, Reserve(0, {}), Steps(0, {}));
  EXPECT_FALSE(answer.fault.has_value());
  const auto* taken = std::get_if<event::RoomTaken>(&answer.answer);
  ASSERT_NE(taken, nullptr);
  EXPECT_EQ(taken->attempt, 7U);
  EXPECT_EQ(taken->reserve_bytes, 4096);
  EXPECT_EQ(taken->steps, 1);
  EXPECT_EQ(taken->steps_bytes, 512);
}

TEST(RoomAnswerTest, TheOperationOutranksTheErrno) {
  struct Row {
    DiskOperation operation;
    int error_number;
    bool out_of_space;
    std::optional<DeviceCause> fault;
  };
  const Row rows[] = {
      {DiskOperation::kAllocate, ENOSPC, true, std::nullopt},
      {DiskOperation::kAllocate, EDQUOT, true, std::nullopt},
      {DiskOperation::kAllocate, EMFILE, false, std::nullopt},
      {DiskOperation::kAllocate, EIO, false, DeviceCause::kIoError},
      {DiskOperation::kSync, ENOSPC, false, DeviceCause::kSyncFailed},
      {DiskOperation::kJournal, ENOSPC, false, DeviceCause::kSyncFailed},
      {DiskOperation::kSync, EIO, false, DeviceCause::kIoError},
      {DiskOperation::kStat, EACCES, false, std::nullopt},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(testing::Message() << "operation " << static_cast<int>(row.operation) << ", "
                                    << base::ErrnoName(row.error_number));
    for (const bool by_reserve : {true, false}) {
      const RoomAnswer answer =
          AnswerTakeRoom(kRoom, Reserve(by_reserve ? row.error_number : 0, row.operation),
                         Steps(by_reserve ? 0 : row.error_number, row.operation));
      const auto* refused = std::get_if<event::RoomRefused>(&answer.answer);
      ASSERT_NE(refused, nullptr);
      EXPECT_EQ(refused->attempt, 7U);
      EXPECT_EQ(refused->reserve_bytes, 4096) << "what is held stays held";
      EXPECT_EQ(refused->out_of_space, row.out_of_space);
      std::optional<DeviceCause> fault;
      if (answer.fault.has_value()) fault = answer.fault->cause;
      EXPECT_EQ(fault, row.fault);
    }
  }
}

TEST(RoomAnswerTest, ATrialThatFailsRefusesAndKeepsTheSteps) {
  const RoomAnswer answer = AnswerTakeRoom(kRoom, Reserve(0, {}), Steps(0, {}),
                                           Reserve(EDQUOT, DiskOperation::kAllocate));
  EXPECT_FALSE(answer.fault.has_value());
  const auto* refused = std::get_if<event::RoomRefused>(&answer.answer);
  ASSERT_NE(refused, nullptr);
  EXPECT_TRUE(refused->out_of_space);
  EXPECT_EQ(refused->steps_bytes, 512);
}

TEST(RoomAnswerTest, VerifiedIsOnlyWhatIsWholeAltogether) {
  EXPECT_TRUE(AnswerVerifyRoom(Reserve(0, {}), "").answer.intact);
  EXPECT_FALSE(AnswerVerifyRoom(Reserve(0, {}), "a step is sparse").answer.intact);
  const RoomCheck missing = AnswerVerifyRoom(Reserve(ENOENT, DiskOperation::kRead), "");
  EXPECT_FALSE(missing.answer.intact);
  EXPECT_FALSE(missing.fault.has_value()) << "a lost reserve is a matter of space";
  EXPECT_TRUE(AnswerVerifyRoom(Reserve(EIO, DiskOperation::kSync), "").fault.has_value());
}

}  // namespace
}  // namespace tidemark::monitor
