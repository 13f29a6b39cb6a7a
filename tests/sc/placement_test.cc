#include "sc/core/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>

namespace tidemark::sc {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kMiB = 1024 * 1024;

PlacementVolume Volume(std::uint8_t number, std::int64_t free_steps) {
  PlacementVolume volume;
  volume.spu_id = "n1";
  volume.uuid = base::Uuid({number});
  volume.path = "/v" + std::to_string(number);
  volume.up = true;
  volume.has_reading = true;
  volume.full_bytes = 10 * kMiB;
  volume.step_bytes = kMiB;
  volume.available_bytes = volume.full_bytes + free_steps * kMiB;
  return volume;
}

// Partitions per volume number.
std::map<int, int> Count(const std::vector<PlacementChoice>& choices) {
  std::map<int, int> count;
  for (const PlacementChoice& choice : choices) ++count[choice.volume.bytes()[0]];
  return count;
}

TEST(Placement, SharesByFreeSpaceAndPartitionCount) {
  struct Case {
    const char* name;
    std::vector<PlacementVolume> volumes;
    std::int32_t count;
    std::map<int, int> expected;
  };
  auto crowded = Volume(1, 100);
  crowded.partitions = crowded.steps_seen = 4;
  const Case cases[] = {
      {"one volume takes all", {Volume(1, 8)}, 4, {{1, 4}}},
      {"equal volumes share", {Volume(1, 100), Volume(2, 100)}, 4, {{1, 2}, {2, 2}}},
      {"a bigger one takes more", {Volume(1, 300), Volume(2, 100)}, 4, {{1, 3}, {2, 1}}},
      {"a crowded one is left alone", {crowded, Volume(2, 100)}, 4, {{2, 4}}},
      {"a full one takes none", {Volume(1, 0), Volume(2, 4)}, 4, {{2, 4}}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto choices = PlacePartitions(c.volumes, c.count);
    ASSERT_TRUE(choices.ok()) << choices.status();
    EXPECT_EQ(Count(*choices), c.expected);
  }
}

// A report says what it likes; UBSan says whether it turned over.
TEST(Placement, NoNumberOfAReportTurnsOver) {
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t available : {kLeast, std::int64_t{0}, kMost}) {
    for (const std::int64_t full : {kLeast, std::int64_t{0}, kMost}) {
      for (const std::int64_t step : {std::int64_t{1}, kMost}) {
        PlacementVolume volume = Volume(1, 1);
        volume.available_bytes = available;
        volume.full_bytes = full;
        volume.step_bytes = step;
        volume.partitions = 1'000'000;
        EXPECT_GE(volume.free_steps(), 0);
        const auto placed = PlacePartitions({volume, Volume(2, 8)}, 4);
        EXPECT_TRUE(placed.ok()) << placed.status();
      }
    }
  }
}

// The text travels as gRPC metadata, of which a client takes 8 KiB, twice and encoded.
TEST(Placement, TheRefusalOfALargeFleetNamesTheRoomiestVolumesAndStaysShort) {
  std::vector<PlacementVolume> fleet;
  for (int i = 0; i < 250; ++i) fleet.push_back(Volume(static_cast<std::uint8_t>(i), 0));
  fleet[200] = Volume(200, 3);
  const auto choices = PlacePartitions(fleet, 4);
  ASSERT_TRUE(absl::IsResourceExhausted(choices.status())) << choices.status();
  const std::string message(choices.status().message());
  EXPECT_THAT(message, HasSubstr("room for 3 of them (n1:/v200:"));
  EXPECT_THAT(message, HasSubstr("and 242 volumes with no more room than these"));
  EXPECT_LE(message.size(), 2048U);
}

TEST(Placement, NeverChoosesAVolumeThatIsHeldOrNotUpOrSilent) {
  struct Case {
    const char* name;
    void (*spoil)(PlacementVolume&);
    absl::StatusCode code;
  };
  const Case cases[] = {
      {"not reachable", [](PlacementVolume& v) { v.up = false; },
       absl::StatusCode::kFailedPrecondition},
      {"operator", [](PlacementVolume& v) { v.hold = "operator"; },
       absl::StatusCode::kFailedPrecondition},
      {"space hold, episode 3",
       [](PlacementVolume& v) {
         v.hold = "space hold, episode 3";
         v.space_held = true;
       },
       absl::StatusCode::kResourceExhausted},
      {"no reading", [](PlacementVolume& v) { v.has_reading = false; },
       absl::StatusCode::kFailedPrecondition},
      {"no step size", [](PlacementVolume& v) { v.step_bytes = 0; },
       absl::StatusCode::kFailedPrecondition},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    auto spoiled = Volume(1, 1000);
    c.spoil(spoiled);
    const auto beside = PlacePartitions({spoiled, Volume(2, 10)}, 5);
    ASSERT_TRUE(beside.ok()) << beside.status();
    EXPECT_EQ(Count(*beside), (std::map<int, int>{{2, 5}}));

    const auto alone = PlacePartitions({spoiled}, 1);
    EXPECT_EQ(alone.status().code(), c.code) << alone.status();
    EXPECT_THAT(std::string(alone.status().message()), HasSubstr(c.name));
  }
}

TEST(Placement, SubtractsStepsThatWerePromisedButNotSeenInAReading) {
  auto volume = Volume(1, 4);
  volume.partitions = 3;
  volume.steps_seen = 1;  // two have none yet: 4 - 2 = 2 are left
  EXPECT_EQ(volume.free_steps(), 2);
  EXPECT_TRUE(PlacePartitions({volume}, 2).ok());
  EXPECT_EQ(PlacePartitions({volume}, 3).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(Placement, NoRoomIsAnErrorWithTheNumbersOfEveryVolume) {
  auto first = Volume(1, 1);
  auto second = Volume(2, 2);
  second.spu_id = "n2";
  const auto placed = PlacePartitions({first, second}, 4);
  ASSERT_EQ(placed.status().code(), absl::StatusCode::kResourceExhausted);
  const std::string message(placed.status().message());
  EXPECT_THAT(message, HasSubstr("place 4 partitions refused: room for 3 of them"));
  EXPECT_THAT(message, HasSubstr("n1:/v1: available 11.0 MiB, full mark 10.0 MiB, step 1.0 MiB, "
                                 "promised 0 steps"));
  EXPECT_THAT(message, HasSubstr("n2:/v2: available 12.0 MiB"));
}

TEST(Placement, NegativeRoomIsNoRoom) {
  auto volume = Volume(1, 0);
  volume.available_bytes = 0;
  EXPECT_EQ(volume.free_steps(), 0);
  EXPECT_FALSE(PlacePartitions({volume}, 1).ok());
}

TEST(Placement, RefusesACountBelowOne) {
  EXPECT_EQ(PlacePartitions({Volume(1, 8)}, 0).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Placement, DoesNotDependOnTheOrderOfTheVolumes) {
  std::vector<PlacementVolume> volumes = {Volume(3, 50), Volume(1, 50), Volume(2, 70)};
  std::vector<std::map<int, int>> seen;
  std::sort(volumes.begin(), volumes.end(),
            [](const auto& a, const auto& b) { return a.uuid < b.uuid; });
  do {
    seen.push_back(Count(*PlacePartitions(volumes, 7)));
  } while (std::next_permutation(volumes.begin(), volumes.end(),
                                 [](const auto& a, const auto& b) { return a.uuid < b.uuid; }));
  EXPECT_EQ(seen.size(), 6U);
  for (const auto& count : seen) EXPECT_EQ(count, seen.front());
}

}  // namespace
}  // namespace tidemark::sc
