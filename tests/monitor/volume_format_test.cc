#include "monitor/volume_format.h"

#include <cerrno>
#include <string>

#include "monitor/statvfs_probe.h"
#include "monitor/verdict_slots.h"
#include "tests/support/fake_clock.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/golden_file.h"
#include "tests/support/small_volume_fixture.h"
#include "tests/support/temp_directory.h"

namespace tidemark::monitor {
namespace {

using storage::OpenMode;
using support::FaultRule;
using support::Operation;
using support::StatusIs;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class VolumeFormatTest : public testing::Test {
 protected:
  absl::StatusOr<VolumeMarker> Format(const FormatOptions& options = {}) {
    return FormatVolume(disk_, home_.path(), options, clock_);
  }
  void Touch(const std::string& name, const std::string& text = "") {
    ASSERT_OK_AND_ASSIGN(const auto file, real_.Open(home_.File(name), OpenMode::kCreate));
    const iovec slice{const_cast<char*>(text.data()), text.size()};
    ASSERT_OK(file->WriteAt(base::FilePosition(0), {&slice, 1}));
  }
  std::vector<std::string> Names() { return *real_.List(home_.path()); }
  void RemoveAll() {
    for (const std::string& name : Names()) {
      if (!real_.RemoveFile(home_.File(name)).ok()) {
        ASSERT_OK(real_.RemoveDirectory(home_.File(name)));
      }
    }
  }

  storage::PosixFileSystem real_;
  support::FaultyFileSystem disk_{real_};
  support::TempDirectory home_;
  VolumeLayout layout_{home_.path()};
  support::FakeClock clock_;
};

TEST_F(VolumeFormatTest, MakesAVolumeThatOpensFresh) {
  ASSERT_OK_AND_ASSIGN(const VolumeMarker marker, Format());
  EXPECT_FALSE(marker.uuid.nil());
  EXPECT_GT(marker.capacity_bytes, 0);
  EXPECT_EQ(marker.formatted_at, clock_.WallNow());
  EXPECT_THAT(Names(),
              UnorderedElementsAre("lock", "partitions", "verdict.slots", "volume.marker"));
  EXPECT_THAT(ReadVolumeMarker(disk_, layout_), support::IsOkAndHolds(marker));
  EXPECT_OK(disk_.Lock(layout_.lock()));

  ASSERT_OK_AND_ASSIGN(const auto slots, VerdictSlots::Open(disk_, layout_, marker.uuid));
  ASSERT_TRUE(slots.loaded().record.has_value());
  EXPECT_EQ(slots.loaded().unreadable_slots, 0);
  EXPECT_EQ(slots.loaded().record->generation, base::Generation(0));
  EXPECT_TRUE(slots.loaded().record->holds.empty());
  EXPECT_EQ(slots.loaded().record->marks.capacity_bytes, marker.capacity_bytes);
  EXPECT_EQ(slots.loaded().record->marks_set_by, "defaults");
}

TEST_F(VolumeFormatTest, RefusesADirectoryThatIsInUseAndChangesNothing) {
  struct Row {
    const char* what;
    std::string name;
    const char* says;
  };
  for (const Row& row : {Row{"a foreign file", "photos", "photos"},
                         Row{"a lost marker beside a reserve", "reserve", "reserve"}}) {
    SCOPED_TRACE(row.what);
    Touch(row.name, "precious");
    EXPECT_THAT(Format(), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(row.says)));
    EXPECT_THAT(Names(), ElementsAre(row.name));
    ASSERT_OK(real_.RemoveFile(home_.File(row.name)));
  }
  EXPECT_EQ(disk_.calls(Operation::kChange), 0U);
}

TEST_F(VolumeFormatTest, RefusesAVolumeAndNamesIt) {
  ASSERT_OK_AND_ASSIGN(const VolumeMarker marker, Format());
  const auto changes = disk_.calls(Operation::kChange);
  EXPECT_THAT(Format(),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr(marker.uuid.ToString())));
  EXPECT_EQ(disk_.calls(Operation::kChange), changes);
}

TEST_F(VolumeFormatTest, NeverFormatsWhatHasBeenAVolumeAndLostItsMarker) {
  ASSERT_OK_AND_ASSIGN(const VolumeMarker marker, Format());
  {
    ASSERT_OK_AND_ASSIGN(auto slots, VerdictSlots::Open(disk_, layout_, marker.uuid));
    VerdictRecord record = *slots.loaded().record;
    record.generation = base::Generation(1);
    ASSERT_OK(slots.Write(record));
  }
  ASSERT_OK(real_.RemoveFile(layout_.marker()));
  EXPECT_THAT(Format(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                 HasSubstr("verdict.slots has been written to")));
  ASSERT_OK(real_.RemoveFile(layout_.verdict_slots()));
  ASSERT_OK(real_.CreateDirectory(layout_.partitions() + "/00000000000000a1"));
  EXPECT_THAT(Format(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("partitions/ holds 1")));
  ASSERT_OK(real_.RemoveDirectory(layout_.partitions() + "/00000000000000a1"));
}

TEST_F(VolumeFormatTest, ADamagedMarkerIsNotFormattedOver) {
  Touch("volume.marker", "TMVOLUM?");
  EXPECT_THAT(Format(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("cannot be read")));
}

TEST_F(VolumeFormatTest, LostAndFoundIsNobodysData) {
  ASSERT_OK(real_.CreateDirectory(home_.File("lost+found")));
  EXPECT_OK(Format());
  EXPECT_THAT(Names(), Contains("lost+found"));
}

TEST_F(VolumeFormatTest, RequiresAMountpointIfToldTo) {
  EXPECT_THAT(Format({.require_mountpoint = true}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("not a mount point")));
  EXPECT_THAT(Names(), IsEmpty());
}

// A process that died at any call, or a disk that failed there: no volume, and format again works.
TEST_F(VolumeFormatTest, CanBeRepeatedAfterAFailureAtAnyCall) {
  ASSERT_OK(Format());
  const auto calls = disk_.calls(Operation::kChange);
  ASSERT_GT(calls, 10U);
  RemoveAll();
  for (std::uint64_t nth = 1; nth <= calls; ++nth) {
    for (const auto when : {FaultRule::When::kFrom, FaultRule::When::kOnly}) {
      SCOPED_TRACE(nth);
      const auto rule = disk_.Add({.operation = Operation::kChange,
                                   .when = when,
                                   .nth = nth,
                                   .short_write_bytes = 20,
                                   .error_number = EIO});
      EXPECT_FALSE(Format().ok());
      disk_.Remove(rule);
      const auto marker = ReadVolumeMarker(disk_, layout_);
      if (marker.ok()) {
        // Only the last syncs were missing: it is a volume, and a whole one.
        EXPECT_GE(nth, calls - 1);
        EXPECT_OK(VerdictSlots::Open(disk_, layout_, marker->uuid));
        EXPECT_THAT(Format(), StatusIs(absl::StatusCode::kAlreadyExists));
      } else {
        EXPECT_THAT(marker, StatusIs(absl::StatusCode::kFailedPrecondition));
        EXPECT_OK(Format());
      }
      RemoveAll();
    }
  }
}

TEST_F(VolumeFormatTest, EverythingIsSyncedBeforeTheMarkerHasItsName) {
  std::uint64_t syncs = 0;
  disk_.Add({.operation = Operation::kRename,
             .before = [&] { syncs = disk_.calls(Operation::kSyncAll); }});
  ASSERT_OK(Format());
  EXPECT_GE(syncs, 3U) << "slots, lock, marker";
  EXPECT_EQ(disk_.calls(Operation::kSyncDirectory), 4U)
      << "partitions, the directory before and after the rename, its parent";
}

TEST(VolumeMarkerTest, WritesAndReadsTheGoldenMarker) {
  const VolumeMarker marker{.uuid = *base::Uuid::Parse("10111213-1415-4617-9819-1a1b1c1d1e1f"),
                            .capacity_bytes = 256 * base::kMiB,
                            .formatted_at = 1'790'000'000'001};
  EXPECT_TRUE(support::MatchesGolden("volume_marker_v1.hex", EncodeVolumeMarker(marker)));
  EXPECT_THAT(DecodeVolumeMarker(support::ReadGolden("volume_marker_v1.hex")),
              support::IsOkAndHolds(marker));
}

TEST(VolumeMarkerTest, EveryFlippedByteAndEveryTruncationIsDetected) {
  const auto bytes = EncodeVolumeMarker({.uuid = base::Uuid::Random(), .capacity_bytes = 1});
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    auto damaged = bytes;
    damaged[at] ^= std::byte{0x40};
    EXPECT_FALSE(DecodeVolumeMarker(damaged).ok()) << "byte " << at;
    EXPECT_THAT(DecodeVolumeMarker(std::span(bytes).first(at)),
                StatusIs(absl::StatusCode::kDataLoss));
  }
}

class FormatOnSmallVolumesTest : public support::OnSmallVolumes {
 protected:
  support::FakeClock clock_;
};

TEST_P(FormatOnSmallVolumesTest, AMountpointIsOne) {
  RemoveFiller();
  ASSERT_OK_AND_ASSIGN(const auto marker,
                       FormatVolume(disk_, path(), {.require_mountpoint = true}, clock_));
  EXPECT_GT(marker.capacity_bytes, 16 * base::kMiB);
  EXPECT_LE(marker.capacity_bytes, 32 * base::kMiB);
}

TEST_P(FormatOnSmallVolumesTest, AFullVolumeIsRefusedForSpaceAndLeftFormattable) {
  ASSERT_OK(disk_.CreateDirectory(path() + "/volume"));
  ASSERT_OK(filler().TakeInodesUntilLeft(8));
  ASSERT_OK(filler().FillCompletely());
  EXPECT_THAT(FormatVolume(disk_, path() + "/volume", {}, clock_),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("/volume")));
  ASSERT_OK(filler().Free());
  EXPECT_OK(FormatVolume(disk_, path() + "/volume", {}, clock_));
}

INSTANTIATE_ON_SMALL_VOLUMES(FormatOnSmallVolumesTest);

}  // namespace
}  // namespace tidemark::monitor
