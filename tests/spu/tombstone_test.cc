// A tombstone is acknowledged when the data is gone, and not before.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/spu/book_rig.h"

namespace tidemark::spu {
namespace {

namespace sc_pb = tidemark::sc::v1;
using support::Operation;

class TombstoneTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!rig_.unavailable().empty()) GTEST_SKIP() << rig_.unavailable();
    rig_.options().retention_interval = std::chrono::milliseconds(1);
    ASSERT_OK(rig_.Open());
    ASSERT_TRUE(rig_.AwaitAccepting(0));
    ASSERT_TRUE(rig_.AwaitAccepting(1));
  }
  void AssignTo(std::size_t volume) {
    rig_.Send({BookRig::Full({rig_.Assignment(kBooked, volume)})});
    ASSERT_TRUE(rig_.AwaitResult(kBooked).ok());
    rig_.Fill(kBooked, 1);
  }
  bool OnDisk(std::size_t volume) {
    return std::filesystem::exists(
        storage::PartitionPath(rig_.path(volume) + "/partitions", base::PartitionId(kBooked)));
  }
  // Of a partition that is being made on volume 0, while that hangs at `step`.
  void ExpectTombstoneToWaitFor(Operation step) {
    rig_.disk(0).Add({.operation = step, .path_contains = "partitions/0", .hang = true});
    rig_.Send({BookRig::Full({rig_.Assignment(kBooked, 0)})});
    ASSERT_TRUE(support::WaitFor([&] { return rig_.disk(0).hanging() > 0; }, support::kLongWait,
                                 "the creation to hang"));
    rig_.Send({BookRig::Tombstone(kBooked)});
    EXPECT_FALSE(rig_.AwaitResult(kBooked).ok());

    rig_.disk(0).Clear();
    ASSERT_TRUE(support::WaitFor(
        [&] {
          const sc_pb::AssignmentResult result = rig_.AwaitResult(kBooked);
          return result.ok() && result.tombstone();
        },
        support::kLongWait, "the tombstone to be carried out"));
    EXPECT_FALSE(OnDisk(0));
  }

  BookRig rig_;
};

TEST_F(TombstoneTest, IsNotAcknowledgedWhileAVolumeThatMayHaveItCannotStart) {
  AssignTo(1);
  rig_.Kill();
  rig_.disk(1).Add({.operation = Operation::kList, .error_number = EIO});
  ASSERT_OK(rig_.Open());
  ASSERT_TRUE(rig_.AwaitAccepting(0));
  rig_.Send({BookRig::Tombstone(kBooked)});
  EXPECT_FALSE(rig_.AwaitResult(kBooked).ok());
  EXPECT_TRUE(OnDisk(1));
  rig_.Kill();

  rig_.disk(1).Clear();
  ASSERT_OK(rig_.Open());
  rig_.Send({BookRig::Tombstone(kBooked)});
  ASSERT_TRUE(rig_.AwaitOk(kBooked));
  EXPECT_FALSE(OnDisk(1));
}

TEST_F(TombstoneTest, ADeletionThatFailedIsRepeatedAndOnlyThenAcknowledged) {
  AssignTo(0);
  rig_.disk(0).Add({.operation = Operation::kRemoveFile, .error_number = EMFILE});
  rig_.Send({BookRig::Tombstone(kBooked)});
  EXPECT_FALSE(rig_.AwaitResult(kBooked).ok());
  // Said again, as after every reconnect.
  rig_.Send({BookRig::Tombstone(kBooked)});
  EXPECT_FALSE(rig_.AwaitResult(kBooked).ok());
  EXPECT_TRUE(OnDisk(0));

  rig_.disk(0).Clear();
  ASSERT_TRUE(rig_.AwaitOk(kBooked));
  EXPECT_FALSE(OnDisk(0));
}

TEST_F(TombstoneTest, OvertakesNoCreationThatIsUnderWay) {
  ExpectTombstoneToWaitFor(Operation::kCreateDirectory);
}

// Made, and not open yet: that is under way, too.
TEST_F(TombstoneTest, OvertakesNoOpeningOfWhatWasJustMade) {
  ExpectTombstoneToWaitFor(Operation::kList);
}

}  // namespace
}  // namespace tidemark::spu
