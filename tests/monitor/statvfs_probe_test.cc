#include "monitor/statvfs_probe.h"

#include <cerrno>
#include <optional>
#include <string>

#include "monitor/volume_format.h"
#include "tests/support/fake_clock.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/small_volume_fixture.h"

namespace tidemark::monitor {
namespace {

using storage::FileSystemStat;
using storage::OpenMode;
using support::FaultRule;
using support::Operation;
using support::StatusIs;
using ::testing::HasSubstr;

class StatvfsProbeTest : public support::OnSmallVolumes {
 protected:
  void SetUp() override {
    OnSmallVolumes::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    RemoveFiller();  // its directory would be foreign to format
    layout_ = VolumeLayout(path());
    ASSERT_OK(FormatVolume(disk_, path(), {}, clock_));
    auto probe = StatvfsProbe::Open(faulty_, clock_, layout_);
    ASSERT_OK(probe);
    probe_.emplace(*std::move(probe));
  }

  // The expected alternative of the outcome, or nullptr and a failure.
  template <typename Expected>
  const Expected* ProbeFor() {
    outcome_ = probe_->Probe();
    const auto* expected = std::get_if<Expected>(&outcome_);
    EXPECT_NE(expected, nullptr) << "alternative " << outcome_.index();
    return expected;
  }
  void ExpectFault(DeviceCause cause, const std::string& says) {
    const auto* fault = ProbeFor<VolumeFault>();
    if (fault == nullptr) return;
    EXPECT_EQ(fault->cause, cause) << fault->detail;
    EXPECT_THAT(fault->detail, HasSubstr(says));
  }

  support::FaultyFileSystem faulty_{disk_};
  support::FakeClock clock_;
  VolumeLayout layout_{""};
  std::optional<StatvfsProbe> probe_;
  ProbeOutcome outcome_;
};

TEST_P(StatvfsProbeTest, ReadsWhatTheFileSystemSays) {
  faulty_.Add({.operation = Operation::kStatFileSystem,
               .before = [&] { clock_.Advance(std::chrono::milliseconds(7)); }});
  const auto start = clock_.Now();
  const auto* reading = ProbeFor<SpaceReading>();
  ASSERT_NE(reading, nullptr);
  EXPECT_EQ(reading->available_bytes, available_bytes());
  EXPECT_EQ(reading->inodes_available, available_inodes());
  EXPECT_EQ(reading->total_bytes, probe_->marker().capacity_bytes);
  EXPECT_EQ(reading->started, start);
  EXPECT_EQ(reading->finished, start + std::chrono::milliseconds(7));
  EXPECT_EQ(reading->identity, probe_->identity());
  EXPECT_FALSE(reading->read_only);
}

TEST_P(StatvfsProbeTest, SaysThatTheVolumeBecameReadOnly) {
  ASSERT_OK(volume().RemountReadOnly(true));
  const auto* reading = ProbeFor<SpaceReading>();
  ASSERT_NE(reading, nullptr);
  EXPECT_TRUE(reading->read_only);
}

TEST_P(StatvfsProbeTest, AnUnmountedVolumeIsMissingHoweverMuchIsFreeBelow) {
  ASSERT_OK(volume().Unmount());
  ExpectFault(DeviceCause::kMissingVolume, "volume.marker");
  if (GetParam() == support::SmallVolume::Kind::kTmpfs) return;
  const std::uint64_t device = disk_.StatFileSystem(layout_.directory())->device_id;
  ASSERT_OK(volume().MountAgain());
  // The old loop device may be busy for a moment: on another one it is another disk, rightly.
  const bool same =
      disk_.StatFileSystem(layout_.directory())->device_id == probe_->identity().device_id;
  EXPECT_NE(device, probe_->identity().device_id);
  if (same) {
    ProbeFor<SpaceReading>();
  } else {
    ExpectFault(DeviceCause::kWrongVolume, "was device");
  }
}

TEST_P(StatvfsProbeTest, AnotherMarkerIsAnotherVolume) {
  ASSERT_OK_AND_ASSIGN(const auto copy, disk_.Open(layout_.unfinished_marker(), OpenMode::kCreate));
  ASSERT_OK(disk_.Rename(layout_.unfinished_marker(), layout_.marker()));
  ExpectFault(DeviceCause::kWrongVolume, "another marker");
}

TEST_P(StatvfsProbeTest, AnotherDeviceOrFileSystemIsAnotherVolume) {
  for (const auto field : {&FileSystemStat::device_id, &FileSystemStat::file_system_id}) {
    const auto rule = faulty_.Add({.operation = Operation::kStatFileSystem,
                                   .edit = [field](FileSystemStat& stat) { stat.*field += 1; }});
    ExpectFault(DeviceCause::kWrongVolume, "was device");
    faulty_.Remove(rule);
  }
}

TEST_P(StatvfsProbeTest, AnErrorIsNeverAReading) {
  struct Row {
    Operation operation;
    int error_number;
    std::optional<DeviceCause> cause;  // none: only no reading
  };
  const Row rows[] = {
      {Operation::kStatFileSystem, EIO, DeviceCause::kIoError},
      {Operation::kStatFileSystem, ESTALE, DeviceCause::kStale},
      {Operation::kStatFileSystem, ENODEV, DeviceCause::kMissingVolume},
      {Operation::kStatFileSystem, EMFILE, std::nullopt},
      {Operation::kStatFileSystem, ENOMEM, std::nullopt},
      {Operation::kStatFileSystem, ETIMEDOUT, std::nullopt},
      {Operation::kStat, EIO, DeviceCause::kIoError},
      {Operation::kStat, EACCES, std::nullopt},
  };
  for (const Row& row : rows) {
    const auto rule = faulty_.Add({.operation = row.operation, .error_number = row.error_number});
    if (row.cause.has_value()) {
      ExpectFault(*row.cause, "injected");
    } else if (const auto* fault = ProbeFor<ReadingFault>(); fault != nullptr) {
      EXPECT_EQ(fault->kind, ReadingFaultKind::kFailed);
    }
    faulty_.Remove(rule);
  }
}

TEST_P(StatvfsProbeTest, AbsurdNumbersAreNoReading) {
  for (const auto& lie : {FileSystemStat{}, FileSystemStat{.fragment_bytes = 4096,
                                            .blocks_total = 10,
                                            .blocks_free = 11,
                                            .blocks_available = 11}}) {
    faulty_.Add({.operation = Operation::kStatFileSystem,
                 .when = FaultRule::When::kOnly,
                 .edit = [lie](FileSystemStat& stat) {
                   const FileSystemStat true_stat = stat;
                   stat = lie;
                   stat.device_id = true_stat.device_id;
                   stat.file_system_id = true_stat.file_system_id;
                 }});
    ProbeFor<ReadingFault>();
  }
  ProbeFor<SpaceReading>();
}

TEST_P(StatvfsProbeTest, DoesNotOpenWithoutAMarker) {
  ASSERT_OK(disk_.RemoveFile(layout_.marker()));
  EXPECT_THAT(StatvfsProbe::Open(faulty_, clock_, layout_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("tidemark-spu format")));
}

INSTANTIATE_ON_SMALL_VOLUMES(StatvfsProbeTest);

}  // namespace
}  // namespace tidemark::monitor
