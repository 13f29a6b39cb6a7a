// What is lost or broken on one volume: told by name, never silently empty, and no matter of the
// other volume.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

#include "absl/strings/str_format.h"
#include "tests/integration/cluster/cluster_fixture.h"

namespace tidemark::story {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class DamageTest : public ClusterTest {
 protected:
  std::string PartitionsOfFullVolume() const { return stage_->full_path + "/partitions"; }
};

TEST_F(DamageTest, AcknowledgedDataThatIsGoneIsFailedAndNeverSilentlyEmpty) {
  if (stage_ == nullptr) return;
  const std::uint64_t lost = *stage_->full_partitions.begin();
  stage_->spu->Kill9();
  std::filesystem::rename(absl::StrFormat("%s/%016x", PartitionsOfFullVolume(), lost),
                          stage_->full_path + "/moved-away");
  ASSERT_OK(stage_->StartAgent());
  ASSERT_OK(stage_->WaitForStatus({lost}, sc::v1::PARTITION_STATUS_FAILED, true));
  std::set<std::uint64_t> others = partitions_;
  others.erase(lost);
  EXPECT_OK(stage_->WaitForStatus(others, sc::v1::PARTITION_STATUS_ONLINE, true));
  EXPECT_OK(stage_->WaitForStatus({lost}, sc::v1::PARTITION_STATUS_FAILED, true));
  // It stays so: the loss is durable, and nothing is written over it.
  stage_->spu->Kill9();
  ASSERT_OK(stage_->StartAgent());
  EXPECT_OK(stage_->WaitForStatus(others, sc::v1::PARTITION_STATUS_ONLINE, true));
  EXPECT_OK(stage_->WaitForStatus({lost}, sc::v1::PARTITION_STATUS_FAILED, true));
}

TEST_F(DamageTest, AVolumeThatCannotBeOpenedStopsNoOther) {
  if (stage_ == nullptr) return;
  stage_->spu->Kill9();
  ASSERT_EQ(chmod(PartitionsOfFullVolume().c_str(), 0), 0);
  ASSERT_OK(stage_->StartAgent());
  EXPECT_OK(stage_->WaitForStatus(stage_->full_partitions, sc::v1::PARTITION_STATUS_FAILED, true));
  EXPECT_OK(stage_->WaitForStatus(stage_->calm_partitions, sc::v1::PARTITION_STATUS_ONLINE, true));
  EXPECT_OK(stage_->ProveCalm());
  ASSERT_OK_AND_ASSIGN(const auto explained,
                       stage_->Type({"volume", "explain", stage_->full_path}));
  EXPECT_THAT(explained.output, AllOf(HasSubstr("could not start"), HasSubstr("Permission denied"),
                                      HasSubstr("restart tidemark-spu"), Not(HasSubstr("Ready"))));
  // Repaired, a restart brings it back.
  stage_->spu->Kill9();
  ASSERT_EQ(chmod(PartitionsOfFullVolume().c_str(), 0700), 0);
  ASSERT_OK(stage_->StartAgent());
  EXPECT_TRUE(AwaitOnline());
}

// As where its filesystem is not mounted: the agent finds a directory without a marker.
TEST_F(DamageTest, AVolumeThatIsNotThereIsExplainedAndNotDenied) {
  if (stage_ == nullptr) return;
  stage_->spu->Kill9();
  const std::string marker = stage_->full_path + "/volume.marker";
  std::filesystem::rename(marker, marker + ".away");
  ASSERT_OK(stage_->StartAgent());
  ASSERT_OK(stage_->WaitForStatus(stage_->calm_partitions, sc::v1::PARTITION_STATUS_ONLINE, true));
  ASSERT_OK_AND_ASSIGN(const auto described,
                       stage_->Type({"volume", "describe", stage_->full_path}));
  EXPECT_THAT(described.output, AllOf(HasSubstr("missing volume"), HasSubstr("volume.marker"),
                                      Not(HasSubstr("Ready"))));
  ASSERT_OK_AND_ASSIGN(const auto explained,
                       stage_->Type({"volume", "explain", stage_->full_path}));
  EXPECT_THAT(explained.output, AllOf(ContainsRegex("^[^\n]*Failed .missing volume"),
                                      HasSubstr("mount its filesystem at " + stage_->full_path),
                                      HasSubstr("restart tidemark-spu"), HasSubstr("LAST KNOWN")));
  stage_->spu->Kill9();
  std::filesystem::rename(marker + ".away", marker);
  ASSERT_OK(stage_->StartAgent());
  EXPECT_TRUE(AwaitOnline());
}

}  // namespace
}  // namespace tidemark::story
