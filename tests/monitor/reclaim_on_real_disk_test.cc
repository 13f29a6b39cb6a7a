// The promise, on a real ext4 and a real tmpfs with a neighbour that takes the freed space at every
// step of the proof: never Online unearned, and Online again when the space is really there.
#include <cerrno>
#include <string>

#include "monitor/pinned_space.h"
#include "monitor/volume_format.h"
#include "tests/monitor/real_volume.h"
#include "tests/support/await.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/small_volume_fixture.h"

namespace tidemark::monitor {
namespace {

using std::chrono::seconds;
using support::FaultRule;
using support::Operation;
using ::testing::HasSubstr;

constexpr std::int64_t kBlockBytes = 4096;

class ReclaimOnRealDiskTest : public support::OnSmallVolumes {
 protected:
  ReclaimOnRealDiskTest() : OnSmallVolumes({.size_bytes = 64 * base::kMiB, .inodes = 4096}) {}

  void SetUp() override {
    OnSmallVolumes::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const std::string home = path() + "/volume";
    layout_ = VolumeLayout(home);
    ASSERT_OK(disk_.CreateDirectory(home));
    ASSERT_OK(FormatVolume(disk_, home, {}, clock_));
    Boot();
    ASSERT_TRUE(volume_->RunUntilOpen(seconds(10))) << Summary();
    volume_->set_on_open([this] { CheckThatItIsEarned(); });
  }
  void TearDown() override { faulty_.Clear(); }

  void Boot() {
    volume_.reset();
    auto volume = RealVolume::Boot(faulty_, layout_, clock_);
    ASSERT_OK(volume);
    volume_ = *std::move(volume);
    volume_->set_on_open([this] { CheckThatItIsEarned(); });
  }

  std::string Summary() { return volume_->policy().Explain(clock_.Now()).summary; }
  const Marks& marks() { return volume_->marks(); }

  // At the very moment the gate opened.
  void CheckThatItIsEarned() {
    const VerdictRecord& durable = volume_->policy().durable();
    EXPECT_TRUE(durable.holds.empty()) << DescribeHolds(durable.holds);
    ASSERT_OK_AND_ASSIGN(const auto slots, VerdictSlots::Open(disk_, layout_, durable.volume));
    EXPECT_EQ(slots.loaded().record, durable) << "what is told is what is on the disk";
    EXPECT_OK(ReserveFile(disk_, layout_).Verify(marks().reserve_bytes).status);
    if (durable.episode == base::Episode(0)) return;
    ASSERT_TRUE(durable.last_proof.has_value());
    EXPECT_EQ(FindProofDefect(*durable.last_proof), "");
    EXPECT_EQ(durable.last_proof->episode, durable.episode);
    EXPECT_EQ(durable.last_proof->bytes_after, available_at_last_reading_);
    EXPECT_GE(available_at_last_reading_, marks().resume_bytes);
  }

  // Appends until the volume is full, as the SPU sees it: its own data, the last steps used up.
  void FillOurselves() {
    // Longer than the time within which a new episode is taken for flapping.
    volume_->RunFor(PolicyOptions().flap_window + seconds(1));
    ASSERT_TRUE(volume_->gate_open()) << Summary();
    ASSERT_OK(volume_->steps().DropAll());
    ASSERT_OK_AND_ASSIGN(const auto data, disk_.Open(data_path(), storage::OpenMode::kCreate));
    const std::int64_t bytes = (available_bytes() - marks().full_bytes) / kBlockBytes * kBlockBytes;
    ASSERT_OK(data->Allocate(base::FilePosition(0), bytes));
    ASSERT_TRUE(volume_->RunUntilHeld(seconds(10))) << Summary();
    ASSERT_FALSE(volume_->gate_open());
    volume_->Tell(event::StepsMissing{4});
    volume_->RunFor(seconds(1));
    ASSERT_FALSE(volume_->gate_open());
  }
  void Trim() {
    ASSERT_OK_AND_ASSIGN(const auto stat, disk_.Stat(data_path()));
    ASSERT_OK(disk_.RemoveFile(data_path()));
    volume_->Tell(event::SpaceFreed{stat.allocated_bytes});
  }
  std::string data_path() { return layout_.partitions() + "/data"; }

  // Remembers what the true answer of every reading was.
  void WatchReadings() {
    faulty_.Add(
        {.operation = Operation::kStatFileSystem, .edit = [this](storage::FileSystemStat& stat) {
           available_at_last_reading_ =
               static_cast<std::int64_t>(stat.blocks_available * stat.fragment_bytes);
         }});
  }

  void ExpectStaysFullThenRecovers(ProofStep step) {
    const int opened = volume_->times_opened();
    volume_->RunFor(seconds(30));
    EXPECT_FALSE(volume_->gate_open());
    EXPECT_EQ(volume_->times_opened(), opened);
    EXPECT_TRUE(volume_->policy().durable().holds.space.has_value());
    const auto failure = volume_->policy().Explain(clock_.Now()).proof_failure;
    ASSERT_TRUE(failure.has_value());
    // A neighbour that stays makes the later attempts end at the readings.
    EXPECT_TRUE(failure->step == step || failure->step == ProofStep::kReadings)
        << ProofStepName(failure->step) << ": " << failure->reason;
    EXPECT_GT(failure->bytes_short, 0) << failure->reason;
    ASSERT_OK(filler().StopGrabbing());
    ASSERT_OK(filler().Free());
    ExpectRecovers();
  }
  void ExpectRecovers() {
    EXPECT_TRUE(volume_->RunUntilOpen(seconds(120))) << Summary();
    EXPECT_GT(volume_->steps().held().size(), 0U);
    // What was proven is held, not only seen: it bears appends on a disk without a free byte.
    ASSERT_OK(filler().FillCompletely());
    EXPECT_OK(volume_->steps().WriteIntoAll());
    EXPECT_OK(volume_->reserve().Verify(marks().reserve_bytes).status);
    ASSERT_OK(filler().Free());
  }

  support::FaultyFileSystem faulty_{disk_};
  support::FakeClock clock_;
  VolumeLayout layout_{""};
  std::unique_ptr<RealVolume> volume_;
  std::int64_t available_at_last_reading_ = 0;
};

TEST_P(ReclaimOnRealDiskTest, OpensAgainWhenTheSpaceIsReallyThere) {
  WatchReadings();
  FillOurselves();
  Trim();
  ExpectRecovers();
  const Proof& proof = *volume_->policy().durable().last_proof;
  EXPECT_GT(proof.freed_by_us_bytes, 32 * base::kMiB);
  EXPECT_FALSE(LooksPinned(proof.freed_by_us_bytes, proof.observed_gain_bytes));
  EXPECT_GE(proof.steps_taken, 1);
}

TEST_P(ReclaimOnRealDiskTest, StaysFullWhenTheNeighbourGrabsWhateverTheTrimFrees) {
  WatchReadings();
  FillOurselves();
  ASSERT_OK(filler().StartGrabbing());
  ASSERT_TRUE(support::WaitFor([&] { return available_bytes() == 0; }, support::kLongWait,
                               "the neighbour to take what is left"));
  ASSERT_OK_AND_ASSIGN(const auto ours, disk_.Stat(data_path()));
  const std::int64_t before = filler().grabbed_bytes();
  Trim();
  // Not by what is available: an allocation that fails takes all for a moment and gives it back.
  ASSERT_TRUE(support::WaitFor(
      [&] {
        return available_bytes() == 0 &&
               filler().grabbed_bytes() >= before + ours.allocated_bytes * 9 / 10;
      },
      support::kLongWait, "the neighbour to take what was freed"));
  ExpectStaysFullThenRecovers(ProofStep::kReadings);
}

// At each step: everything, or one block more than may be missing.
TEST_P(ReclaimOnRealDiskTest, StaysFullWhenTheNeighbourStrikesAtOneStep) {
  WatchReadings();
  struct Row {
    const char* when;
    ProofStep step;
    Operation operation;
    const char* path;
  };
  const Row rows[] = {
      {"during the readings", ProofStep::kReadings, Operation::kStatFileSystem, ""},
      {"at the allocation of a step", ProofStep::kTakeRoom, Operation::kAllocate, "step-"},
      {"when the step is synced", ProofStep::kReadingAfter, Operation::kSyncDirectory,
       "partitions"},
  };
  for (const Row& row : rows) {
    for (const bool everything : {true, false}) {
      SCOPED_TRACE(testing::Message() << row.when << ", everything: " << everything);
      FillOurselves();
      bool struck = false;
      const auto rule = faulty_.Add(
          {.operation = row.operation,
           .path_contains = row.path,
           .when = FaultRule::When::kOnly,
           .nth = row.operation == Operation::kStatFileSystem ? 2U : 1U,
           .before = [&] {
             struck = true;
             ASSERT_OK(everything ? filler().FillCompletely()
                                  : filler().FillUntilLeft(marks().resume_bytes - kBlockBytes));
           }});
      Trim();
      ExpectStaysFullThenRecovers(row.step);
      faulty_.Remove(rule);
      EXPECT_TRUE(struck);
    }
  }
}

TEST_P(ReclaimOnRealDiskTest, ALostReserveIsTakenAgainOrTheVolumeStaysFull) {
  WatchReadings();
  FillOurselves();
  ASSERT_OK(volume_->reserve().Release());
  volume_->Tell(event::ReserveLost{"used for an unlink"});
  const auto rule = faulty_.Add({.operation = Operation::kAllocate,
                                 .path_contains = "/reserve",
                                 .when = FaultRule::When::kOnly,
                                 .before = [&] { ASSERT_OK(filler().FillCompletely()); }});
  Trim();
  ExpectStaysFullThenRecovers(ProofStep::kTakeRoom);
  faulty_.Remove(rule);
  EXPECT_EQ(volume_->policy().durable().last_proof->reserve_bytes, marks().reserve_bytes);
}

// Every call that the proof makes, one round each: the neighbour strikes just before it. Whatever
// the moment, an open gate means that the last reading came after the strike or saw enough.
TEST_P(ReclaimOnRealDiskTest, NeverOpensUnearnedWhicheverCallTheNeighbourPrecedes) {
  WatchReadings();
  int stayed_full = 0;
  for (std::uint64_t nth = 1;; ++nth) {
    SCOPED_TRACE(nth);
    FillOurselves();
    bool struck_in_time = false;
    const int opened = volume_->times_opened();
    const auto rule = faulty_.Add(
        {.operation = Operation::kAny, .when = FaultRule::When::kOnly, .nth = nth, .before = [&] {
           struck_in_time = volume_->times_opened() == opened;
           ASSERT_OK(filler().FillCompletely());
         }});
    Trim();
    volume_->RunFor(seconds(5));
    faulty_.Remove(rule);
    ASSERT_FALSE(HasFatalFailure());
    if (volume_->times_opened() == opened) ++stayed_full;
    ASSERT_OK(filler().Free());
    ExpectRecovers();
    if (!struck_in_time || HasFailure()) break;
    ASSERT_LT(nth, 200U) << "the proof is longer than anybody thought";
  }
  EXPECT_GE(stayed_full, 10);
}

TEST_P(ReclaimOnRealDiskTest, StaysFullAcrossRestartsWithinTheGap) {
  WatchReadings();
  FillOurselves();
  ASSERT_OK(filler().FillUntilLeft(marks().full_bytes));
  ASSERT_OK(disk_.RemoveFile(data_path()));
  // Above full, below resume: enough to go on if one had never stopped.
  ASSERT_OK(filler().FillUntilLeft(marks().full_bytes + marks().gap_bytes() / 2));
  for (int restart = 0; restart < 3; ++restart) {
    Boot();
    EXPECT_TRUE(volume_->policy().durable().holds.space.has_value()) << "before the first reading";
    EXPECT_FALSE(volume_->RunUntilOpen(seconds(30)));
  }
  ASSERT_OK(filler().Free());
  EXPECT_TRUE(volume_->RunUntilOpen(seconds(60))) << Summary();
}

TEST_P(ReclaimOnRealDiskTest, SpaceThatIsDeletedButOpenGivesNothingBackAndIsNamed) {
  WatchReadings();
  ASSERT_OK(filler().Take(40 * base::kMiB));
  FillOurselves();
  ASSERT_OK(filler().DeleteButKeepOpen());
  volume_->RunFor(seconds(30));
  EXPECT_FALSE(volume_->gate_open());
  const PinnedSpace pinned =
      FindPinnedSpace(disk_.StatFileSystem(layout_.directory())->device_id, 5);
  EXPECT_GE(pinned.allocated_bytes, 40 * base::kMiB);
  ASSERT_OK(filler().Free());
  EXPECT_TRUE(volume_->RunUntilOpen(seconds(60))) << Summary();
}

TEST_P(ReclaimOnRealDiskTest, ATornSlotAtAStartHoldsTheVolumeUntilItIsProven) {
  WatchReadings();
  const base::Generation before = volume_->policy().durable().generation;
  for (const std::size_t slot : {0U, 1U}) {
    volume_.reset();
    {
      ASSERT_OK_AND_ASSIGN(const auto file,
                           disk_.Open(layout_.verdict_slots(), storage::OpenMode::kReadWrite));
      std::string garbage(100, 'g');
      const iovec slice{garbage.data(), garbage.size()};
      ASSERT_OK(file->WriteAt(
          base::FilePosition(static_cast<std::int64_t>(slot * storage::kSlotBytes)), {&slice, 1}));
    }
    Boot();
    ASSERT_TRUE(volume_->policy().wanted_holds().space.has_value());
    EXPECT_TRUE(volume_->policy().wanted_holds().space->unproven);
    EXPECT_FALSE(volume_->gate_open());
    EXPECT_TRUE(volume_->RunUntilOpen(seconds(60))) << Summary();
    EXPECT_GE(volume_->policy().durable().generation, before + 2);
  }
}

TEST_P(ReclaimOnRealDiskTest, ARestartTellsAGenerationAsItWasToldBefore) {
  volume_->Tell(event::OperatorHolds{"anna", std::string(3000, 'y')});
  const auto told = volume_->policy().CurrentReport().record;
  ASSERT_TRUE(told.holds.operator_hold.has_value());
  Boot();
  EXPECT_EQ(volume_->policy().CurrentReport().record, told);
}

TEST_P(ReclaimOnRealDiskTest, AFailedSyncOfTheReserveIsADeviceFaultAndNoProof) {
  WatchReadings();
  FillOurselves();
  faulty_.Add({.operation = Operation::kSyncAll,
               .path_contains = "/reserve",
               .when = FaultRule::When::kOnly,
               .error_number = ENOSPC});  // as a thin pool says it
  Trim();
  volume_->RunFor(seconds(30));
  EXPECT_FALSE(volume_->gate_open());
  EXPECT_TRUE(volume_->policy().device_fault().has_value());
  EXPECT_TRUE(volume_->policy().durable().holds.space.has_value()) << "the episode goes on";
  Boot();
  EXPECT_TRUE(volume_->RunUntilOpen(seconds(60))) << Summary();
}

INSTANTIATE_ON_SMALL_VOLUMES(ReclaimOnRealDiskTest);

}  // namespace
}  // namespace tidemark::monitor
