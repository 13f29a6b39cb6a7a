// A start that cannot see its disk well: nothing becomes weaker than it was.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/spu/volume/volume_rig.h"

namespace tidemark::spu {
namespace {

using support::FaultRule;
using support::Operation;
using support::WaitFor;

// Of a start: the first is asked by whoever opens the volume, the second by its first look.
constexpr std::uint64_t kFirstLook = 2;

// One bit of the first slot.
void SpoilSlot(const std::string& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  ASSERT_TRUE(file.is_open()) << path;
  constexpr int kAt = 40;
  file.seekg(kAt);
  const int byte = file.get();
  file.seekp(kAt);
  file.put(static_cast<char>(byte ^ 1));
}

class VolumeStartTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!rig_.unavailable().empty()) GTEST_SKIP() << rig_.unavailable();
    ASSERT_OK(rig_.Open());
    ASSERT_TRUE(rig_.AwaitAccepting(true));
  }

  monitor::Marks Marks() {
    return rig_.OnLoop<monitor::Marks>([](Volume& volume) { return volume.State().marks; });
  }

  VolumeRig rig_{
      {.kind = support::SmallVolume::Kind::kTmpfs, .size_bytes = 64 * base::kMiB, .inodes = 2048}};
};

// Without the inode marks the episode ended by itself: zero inodes are enough above a mark of zero.
TEST_F(VolumeStartTest, AFailedFirstReadingLeavesTheInodeMarksInForce) {
  const monitor::Marks before = Marks();
  ASSERT_GT(before.full_inodes, 0);
  auto filler = support::ForeignFiller::Create(rig_.path());
  ASSERT_OK(filler);
  ASSERT_OK((*filler)->TakeInodesUntilLeft(0));
  ASSERT_TRUE(rig_.AwaitAccepting(false));
  ASSERT_TRUE(WaitFor([&] { return rig_.durable().holds.space.has_value(); }, support::kLongWait,
                      "the hold to be durable"));
  rig_.Kill();

  rig_.disk().Add({.operation = Operation::kStatFileSystem,
                   .when = FaultRule::When::kOnly,
                   .nth = kFirstLook,
                   .error_number = ENOMEM});
  ASSERT_OK(rig_.Open());
  EXPECT_EQ(Marks(), before);
  ASSERT_TRUE(WaitFor([&] { return rig_.explanation().proof().inodes_short() > 0; },
                      support::kLongWait, "a proof that says how many inodes are short"));
  EXPECT_FALSE(rig_.accepting());
  EXPECT_TRUE(rig_.holds().space.has_value());

  ASSERT_OK((*filler)->FreeInodes());
  ASSERT_TRUE(rig_.AwaitAccepting(true));
  EXPECT_EQ(rig_.durable().marks, before);
  EXPECT_GE(rig_.durable().last_proof->inodes_after, before.resume_inodes);
}

// After a start the record may say "no holds" while the room is still being verified: nobody may
// show Online before the gate is open.
TEST_F(VolumeStartTest, SaysNothingOfNoHoldsBeforeItAccepts) {
  const auto told = [](Volume& volume) { return TruthOf(volume, 1).has_value(); };
  rig_.Close();
  rig_.disk().Add({.operation = Operation::kOpen, .path_contains = "/reserve", .hang = true});
  ASSERT_OK(rig_.Open());
  ASSERT_TRUE(WaitFor([&] { return rig_.disk().hanging() > 0; }, support::kLongWait,
                      "the reserve to be looked at"));
  EXPECT_TRUE(rig_.durable().holds.empty());
  EXPECT_FALSE(rig_.accepting());
  EXPECT_FALSE(rig_.OnLoop<bool>(told));
  rig_.disk().Clear();
  ASSERT_TRUE(rig_.AwaitAccepting(true));
  EXPECT_TRUE(rig_.OnLoop<bool>(told));
}

// What the process is short of is no fault of the disk: the other partitions take records, and this
// one does when there is a descriptor again.
TEST_F(VolumeStartTest, APartitionThatFindsNoDescriptorHoldsNoVolumeAndIsOpenedLater) {
  namespace sc_pb = tidemark::sc::v1;
  constexpr std::uint64_t kOther = 2;
  ASSERT_TRUE(rig_.Assign(kPartition).ok());
  ASSERT_TRUE(rig_.Assign(kOther).ok());
  ASSERT_FALSE(rig_.Append(kPartition, {.tag = "kept"}).refusal.has_value());
  for (const int error_number : {EMFILE, ENFILE, ENOMEM}) {
    SCOPED_TRACE(std::strerror(error_number));
    rig_.Close();
    const auto rule = rig_.disk().Add({.operation = Operation::kOpen,
                                       .path_contains = "/0000000000000001/",
                                       .error_number = error_number});
    ASSERT_OK(rig_.Open());
    ASSERT_TRUE(rig_.AwaitAccepting(true));
    EXPECT_FALSE(rig_.device_fault().has_value());
    EXPECT_TRUE(rig_.durable().holds.empty());
    const auto unopened = [](Volume& volume) { return volume.unopened().size(); };
    ASSERT_EQ(rig_.OnLoop<std::size_t>(unopened), 1u);
    EXPECT_EQ(rig_.Assign(kPartition).refusal(), sc_pb::ASSIGNMENT_REFUSAL_VOLUME_HELD);
    EXPECT_FALSE(rig_.Append(kOther, {}).refusal.has_value());

    rig_.disk().Remove(rule);
    EXPECT_TRUE(rig_.Assign(kPartition).ok());
    EXPECT_EQ(rig_.OnLoop<std::size_t>(unopened), 0u);
    EXPECT_EQ(rig_.ReadAll(kPartition).size(), 1u);
  }
}

// What that one held is full, and nobody can look: the room of its next step is part of the proof.
TEST_F(VolumeStartTest, AnEpisodeDoesNotEndBeforeEveryPartitionIsOpen) {
  ASSERT_TRUE(rig_.Assign(kPartition).ok());
  const VolumeRig::Filled filled = rig_.Fill(kPartition);
  ASSERT_TRUE(rig_.AwaitAccepting(false));
  rig_.Close();
  const auto rule = rig_.disk().Add({.operation = Operation::kOpen,
                                     .path_contains = "/0000000000000001/",
                                     .error_number = EMFILE});
  ASSERT_OK(rig_.small().Grow(2 * rig_.small().size_bytes()));
  ASSERT_OK(rig_.Open());
  ASSERT_TRUE(WaitFor([&] { return rig_.accepting() || rig_.explanation().proof().tries() >= 2; },
                      support::kLongWait, "two tries to take the partition's step"));
  EXPECT_FALSE(rig_.accepting());
  EXPECT_TRUE(rig_.holds().space.has_value());

  rig_.disk().Remove(rule);
  ASSERT_TRUE(rig_.AwaitAccepting(true));
  EXPECT_EQ(rig_.OnLoop<std::int64_t>([](Volume& volume) { return volume.steps_held(); }), 1);
  EXPECT_EQ(std::ssize(rig_.ReadAll(kPartition)), filled.acknowledged);
}

// Out of descriptors once, and then a disk that fails.
TEST_F(VolumeStartTest, AFaultOfTheDiskAtALaterOpenHoldsTheVolume) {
  ASSERT_TRUE(rig_.Assign(kPartition).ok());
  rig_.Close();
  const auto fail = [&](int error_number) {
    rig_.disk().Clear();
    rig_.disk().Add({.operation = Operation::kOpen,
                     .path_contains = "/0000000000000001/",
                     .error_number = error_number});
  };
  fail(EMFILE);
  ASSERT_OK(rig_.Open());
  ASSERT_TRUE(rig_.AwaitAccepting(true));
  fail(EIO);
  EXPECT_EQ(rig_.Assign(kPartition).refusal(), tidemark::sc::v1::ASSIGNMENT_REFUSAL_DEVICE);
  EXPECT_TRUE(rig_.AwaitAccepting(false));
  EXPECT_TRUE(rig_.device_fault().has_value());
}

// The fault is of this boot and beside the record: it is told whatever is known of that.
TEST_F(VolumeStartTest, AFaultOfTheStartIsToldAlsoWithAnUnreadableSlot) {
  rig_.Close();
  for (const bool spoil : {false, true}) {
    SCOPED_TRACE(spoil);
    if (spoil) SpoilSlot(rig_.path() + "/verdict.slots");
    const auto rule = rig_.disk().Add({.operation = Operation::kList, .error_number = EIO});
    EXPECT_FALSE(rig_.Open().ok());
    const auto truth =
        rig_.OnLoop<std::optional<VolumeTruth>>([](Volume& volume) { return TruthOf(volume, 1); });
    ASSERT_TRUE(truth.has_value());
    EXPECT_EQ(truth->record.generation, base::Generation(0));
    EXPECT_EQ(truth->device_faults.size(), 1u);
    EXPECT_EQ(truth->record.volume,
              rig_.OnLoop<base::Uuid>([](Volume& volume) { return volume.uuid(); }));
    rig_.Kill();
    rig_.disk().Remove(rule);
  }
}

}  // namespace
}  // namespace tidemark::spu
