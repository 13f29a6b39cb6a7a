// Not one byte and not one inode is left: status, stop, start, trim and topic delete work all the
// same, on real processes.
#include <gmock/gmock.h>

#include "base/byte_size.h"
#include "cli/words.h"
#include "tests/integration/cluster/cluster_fixture.h"

namespace tidemark::story {
namespace {

using support::ForeignFiller;
using testing::HasSubstr;

class NothingFreeTest : public ClusterTest {
 protected:
  StageOptions Options() const override { return {.inodes = 512}; }

  std::string full_root() const {
    return stage_->full_path.substr(0, stage_->full_path.rfind('/'));
  }

  // Something to trim and to delete, and then nothing left at all.
  void FillCompletely() {
    std::string lines;
    for (int i = 0; i < 300; ++i) lines += std::string(1000, 'a') + "\n";
    for (const char* partition : {"0", "1", "2", "3"}) {
      ASSERT_OK(stage_->Type({"produce", "orders", "--partition", partition}, 0, lines));
    }
    ASSERT_OK(stage_->neighbour->TakeInodesUntilLeft(0));
    ASSERT_OK(stage_->neighbour->FillCompletely());
    ASSERT_OK_AND_ASSIGN(const auto bytes, ForeignFiller::AvailableBytes(full_root()));
    ASSERT_OK_AND_ASSIGN(const auto inodes, ForeignFiller::AvailableInodes(full_root()));
    ASSERT_EQ(bytes, 0);
    ASSERT_EQ(inodes, 0);
    ASSERT_OK(stage_->WaitForStatus(stage_->full_partitions, sc::v1::PARTITION_STATUS_OUT_OF_SPACE,
                                    true));
  }
};

TEST_F(NothingFreeTest, StatusStopStartTrimAndDeleteWork) {
  if (stage_ == nullptr) return;
  FillCompletely();
  ASSERT_OK_AND_ASSIGN(const auto status, stage_->Type({"status"}));
  EXPECT_THAT(status.output, HasSubstr("OutOfSpace"));
  EXPECT_OK(stage_->Type({"volume", "explain", stage_->full_path}));

  stage_->spu->Terminate();
  ASSERT_OK_AND_ASSIGN(const auto exit, stage_->spu->WaitForExit());
  EXPECT_TRUE(exit.clean()) << stage_->spu->LogTail();
  ASSERT_OK(stage_->StartAgent());
  ASSERT_OK(
      stage_->WaitForStatus(stage_->full_partitions, sc::v1::PARTITION_STATUS_OUT_OF_SPACE, true));

  ASSERT_OK_AND_ASSIGN(const auto partitions, stage_->Partitions());
  for (const auto& partition : partitions) {
    if (!stage_->full_partitions.contains(partition.id())) continue;
    EXPECT_OK(stage_->Type(
        {"trim", cli::PartitionName(partition.topic(), partition.index()), "--before", "end"}));
    break;
  }
  ASSERT_OK(stage_->Type({"topic", "delete", "orders"}));
  EXPECT_TRUE(support::WaitFor(
      [&] {
        const auto bytes = ForeignFiller::AvailableBytes(full_root());
        const auto inodes = ForeignFiller::AvailableInodes(full_root());
        return bytes.ok() && inodes.ok() && *bytes > 0 && *inodes > 0;
      },
      support::kLongWait, "the deleted topic to give its blocks and inodes back"));
  EXPECT_TRUE(stage_->spu->running());
}

}  // namespace
}  // namespace tidemark::story
