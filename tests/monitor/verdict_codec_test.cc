#include "monitor/verdict_codec.h"

#include <string>
#include <vector>

#include "base/fixed_int.h"
#include "storage/fs/slot_pair.h"
#include "tests/monitor/verdict_samples.h"
#include "tests/support/golden_file.h"
#include "tests/support/status_matchers.h"

namespace tidemark::monitor {
namespace {

using support::IsOkAndHolds;
using support::MatchesGolden;
using support::ReadGolden;
using support::StatusIs;

std::vector<std::byte> SampleSlot() {
  return storage::EncodeSlot(storage::MakeSlotKind("VRDT"), 7, EncodeVerdict(SampleVerdict()));
}

TEST(VerdictCodecTest, KeepsEveryField) {
  EXPECT_THAT(DecodeVerdict(EncodeVerdict(SampleVerdict())), IsOkAndHolds(SampleVerdict()));
}

TEST(VerdictCodecTest, KeepsEachPartAloneAndItsAbsence) {
  const VerdictRecord all = SampleVerdict();
  for (unsigned parts = 0; parts < 32; ++parts) {
    VerdictRecord record = all;
    if ((parts & 1U) == 0) record.holds.space.reset();
    if ((parts & 2U) == 0) record.holds.blind.reset();
    if ((parts & 4U) == 0) record.holds.operator_hold.reset();
    if ((parts & 8U) == 0) record.holds.device.reset();
    if ((parts & 16U) == 0) record.last_proof.reset();
    EXPECT_THAT(DecodeVerdict(EncodeVerdict(record)), IsOkAndHolds(record)) << "parts " << parts;
  }
}

TEST(VerdictCodecTest, WritesAndReadsTheGoldenSlot) {
  EXPECT_TRUE(MatchesGolden("verdict_slot_v1.hex", SampleSlot()));
  const auto slot =
      storage::DecodeSlot(storage::MakeSlotKind("VRDT"), ReadGolden("verdict_slot_v1.hex"));
  ASSERT_EQ(slot.state, storage::SlotState::kValid);
  EXPECT_THAT(DecodeVerdict(slot.payload), IsOkAndHolds(SampleVerdict()));
}

TEST(VerdictCodecTest, EveryFlippedByteOfASlotIsDetected) {
  const std::vector<std::byte> slot = SampleSlot();
  for (std::size_t at = 0; at < slot.size(); ++at) {
    for (const unsigned flip : {0x01U, 0x80U, 0xFFU}) {
      std::vector<std::byte> damaged = slot;
      damaged[at] ^= static_cast<std::byte>(flip);
      EXPECT_EQ(storage::DecodeSlot(storage::MakeSlotKind("VRDT"), damaged).state,
                storage::SlotState::kUnreadable)
          << "byte " << at;
    }
  }
}

TEST(VerdictCodecTest, EveryTruncationIsDetected) {
  const std::vector<std::byte> payload = EncodeVerdict(SampleVerdict());
  for (std::size_t length = 0; length < payload.size(); ++length) {
    EXPECT_THAT(DecodeVerdict(std::span(payload).first(length)),
                StatusIs(absl::StatusCode::kDataLoss))
        << length << " bytes";
  }
  // In the slot the lost rest reads as zeros, or as what was there before.
  const std::vector<std::byte> slot = SampleSlot();
  const std::vector<std::byte> old =
      storage::EncodeSlot(storage::MakeSlotKind("VRDT"), 5, EncodeVerdict(SpaceVerdict(41)));
  constexpr std::size_t kSector = 512;
  for (std::size_t length = kSector; length < slot.size(); length += kSector) {
    for (std::vector<std::byte> torn : {std::vector<std::byte>(slot.size()), old}) {
      std::copy_n(slot.begin(), length, torn.begin());
      const auto decoded = storage::DecodeSlot(storage::MakeSlotKind("VRDT"), torn);
      // Equal to the whole slot where the torn-off rest was the same bytes: then nothing is lost.
      EXPECT_EQ(decoded.state == storage::SlotState::kValid, torn == slot) << length << " bytes";
    }
  }
}

TEST(VerdictCodecTest, ALaterVersionIsNotTakenForDamage) {
  std::vector<std::byte> payload = EncodeVerdict(SampleVerdict());
  base::StoreLittleEndian(std::uint32_t{2}, payload.data());
  EXPECT_THAT(DecodeVerdict(payload), StatusIs(absl::StatusCode::kUnimplemented));
  base::StoreLittleEndian(std::uint32_t{0}, payload.data());
  EXPECT_THAT(DecodeVerdict(payload), StatusIs(absl::StatusCode::kDataLoss));
}

TEST(VerdictCodecTest, ValuesNobodyWritesAreDamage) {
  struct Row {
    const char* what;
    std::size_t at;
    std::uint16_t value;
  };
  for (const Row& row :
       {Row{"unknown bit", 4, 128}, Row{"space cause", 136, 4}, Row{"device cause", 168, 7},
        Row{"proof cause", 184, 4}, Row{"text longer than its room", 512, 255}}) {
    std::vector<std::byte> payload = EncodeVerdict(SampleVerdict());
    base::StoreLittleEndian(row.value, &payload[row.at]);
    EXPECT_THAT(DecodeVerdict(payload), StatusIs(absl::StatusCode::kDataLoss)) << row.what;
  }
}

TEST(VerdictCodecTest, LongTextsAreCutTheSameWayBeforeAndAfterARestart) {
  VerdictRecord record = SampleVerdict();
  std::string umlauts;
  for (int i = 0; i < 400; ++i) umlauts += "ü";  // two bytes each, and 509 is odd
  record.holds.operator_hold->why = "x" + umlauts;
  record.holds.device->detail = std::string(5000, 'd');
  const VerdictRecord durable = DurableForm(record);
  EXPECT_EQ(durable.holds.operator_hold->why.size(), 509U) << "a whole letter, not half of one";
  EXPECT_EQ(durable.holds.device->detail.size(), 510U);
  EXPECT_THAT(DecodeVerdict(EncodeVerdict(record)), IsOkAndHolds(durable));
  EXPECT_EQ(DurableForm(durable), durable);
}

}  // namespace
}  // namespace tidemark::monitor
