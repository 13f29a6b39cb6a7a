// What is answered about a partition that is not served: never "nowhere" of one that may be here.
#include "spu/local_partitions.h"

#include <gmock/gmock.h>

#include <cerrno>

#include "tests/spu/volume/volume_rig.h"

namespace tidemark::spu {
namespace {

namespace log_pb = tidemark::log::v1;
using support::Operation;
using testing::HasSubstr;

constexpr std::uint64_t kOnlyPartition = 1;

class LocalPartitionsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!rig_.unavailable().empty()) GTEST_SKIP() << rig_.unavailable();
  }
  Refusal WhyNotHere(const VolumeSet& volumes, std::uint64_t id) {
    const LocalPartitions partitions(volumes, clock_, metrics_, base::kMiB);
    return partitions.WhyNotHere(base::PartitionId(id));
  }

  VolumeRig rig_;
  base::SystemClock clock_;
  daemon::MetricRegistry registry_;
  SpuMetrics metrics_{registry_};
};

TEST_F(LocalPartitionsTest, OneThatCouldNotBeDeletedIsNeitherServedNorUnknown) {
  ASSERT_OK(rig_.Open());
  ASSERT_TRUE(rig_.AwaitAccepting(true));
  ASSERT_TRUE(rig_.Assign(kOnlyPartition).ok());
  rig_.disk().Add({.operation = Operation::kRemoveDirectory, .error_number = EBUSY});
  EXPECT_FALSE(rig_.Delete(kOnlyPartition).ok());
  Refusal refusal;
  Refusal unknown;
  rig_.loop().Run([&] {
    refusal = WhyNotHere(rig_.volumes(), kOnlyPartition);
    unknown = WhyNotHere(rig_.volumes(), 99);
  });
  EXPECT_EQ(refusal.reason(), log_pb::REFUSAL_REASON_PROVISIONING);
  EXPECT_THAT(refusal.message(), HasSubstr("being made or deleted"));
  EXPECT_EQ(unknown.reason(), log_pb::REFUSAL_REASON_UNKNOWN_PARTITION);
}

TEST_F(LocalPartitionsTest, WhileAVolumeOpensNobodyKnows) {
  support::LoopThread loop;
  auto disk = VolumeDisk::Open(rig_.disk(), clock_, rig_.path());
  ASSERT_OK(disk);
  loop.Run([&] {
    struct Listener final : VolumeListener {
      void OnVolumeChanged(const base::Uuid& /*volume*/) override {}
    } listener;
    VolumeSet volumes;
    volumes.Add(std::make_unique<Volume>(*loop, clock_, *std::move(disk), rig_.options(),
                                         static_cast<VolumeListener&>(listener)));
    EXPECT_EQ(WhyNotHere(volumes, kOnlyPartition).reason(), log_pb::REFUSAL_REASON_PROVISIONING);
  });
}

TEST_F(LocalPartitionsTest, BesideAVolumeThatCouldNotBeOpenedItMayBeThere) {
  VolumeSet volumes;
  volumes.AddUnopened("/b", absl::UnavailableError("read-only file system (EROFS)"));
  const Refusal refusal = WhyNotHere(volumes, kOnlyPartition);
  EXPECT_EQ(refusal.reason(), log_pb::REFUSAL_REASON_VOLUME_FAILED);
  EXPECT_THAT(refusal.message(), HasSubstr("'/b' (read-only file system (EROFS))"));
}

}  // namespace
}  // namespace tidemark::spu
