// A tombstone is acknowledged when the data is gone, and not before.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/spu/book_rig.h"

namespace tidemark::spu {
namespace {

namespace pb = tidemark::sc::v1;
using support::Operation;

constexpr std::uint64_t kPartition = 7;

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
    rig_.Send({BookRig::Full({rig_.Assignment(kPartition, volume)})});
    ASSERT_TRUE(rig_.AwaitResult(kPartition).ok());
    rig_.Fill(kPartition, 1);
  }
  bool OnDisk(std::size_t volume) {
    return std::filesystem::exists(
        storage::PartitionPath(rig_.path(volume) + "/partitions", base::PartitionId(kPartition)));
  }

  BookRig rig_;
};

TEST_F(TombstoneTest, IsNotAcknowledgedWhileAVolumeThatMayHaveItCannotStart) {
  AssignTo(1);
  rig_.Kill();
  rig_.disk(1).Add({.operation = Operation::kList, .error_number = EIO});
  ASSERT_OK(rig_.Open());
  ASSERT_TRUE(rig_.AwaitAccepting(0));
  rig_.Send({BookRig::Tombstone(kPartition)});
  EXPECT_FALSE(rig_.AwaitResult(kPartition).ok());
  EXPECT_TRUE(OnDisk(1));
  rig_.Kill();

  rig_.disk(1).Clear();
  ASSERT_OK(rig_.Open());
  rig_.Send({BookRig::Tombstone(kPartition)});
  ASSERT_TRUE(rig_.AwaitOk(kPartition));
  EXPECT_FALSE(OnDisk(1));
}

TEST_F(TombstoneTest, ADeletionThatFailedIsRepeatedAndOnlyThenAcknowledged) {
  AssignTo(0);
  rig_.disk(0).Add({.operation = Operation::kRemoveFile, .error_number = EMFILE});
  rig_.Send({BookRig::Tombstone(kPartition)});
  EXPECT_FALSE(rig_.AwaitResult(kPartition).ok());
  // Said again, as after every reconnect.
  rig_.Send({BookRig::Tombstone(kPartition)});
  EXPECT_FALSE(rig_.AwaitResult(kPartition).ok());
  EXPECT_TRUE(OnDisk(0));

  rig_.disk(0).Clear();
  ASSERT_TRUE(rig_.AwaitOk(kPartition));
  EXPECT_FALSE(OnDisk(0));
}

TEST_F(TombstoneTest, OvertakesNoCreationThatIsUnderWay) {
  rig_.disk(0).Add({.operation = Operation::kCreateDirectory, .hang = true});
  rig_.Send({BookRig::Full({rig_.Assignment(kPartition, 0)})});
  ASSERT_TRUE(support::WaitFor([&] { return rig_.disk(0).hanging() > 0; }, support::kLongWait,
                               "the creation to hang"));
  rig_.Send({BookRig::Tombstone(kPartition)});
  EXPECT_FALSE(rig_.AwaitResult(kPartition).ok());

  rig_.disk(0).Clear();
  ASSERT_TRUE(support::WaitFor(
      [&] {
        const pb::AssignmentResult result = rig_.AwaitResult(kPartition);
        return result.ok() && result.tombstone();
      },
      support::kLongWait, "the tombstone to be carried out"));
  EXPECT_FALSE(OnDisk(0));
}

}  // namespace
}  // namespace tidemark::spu
