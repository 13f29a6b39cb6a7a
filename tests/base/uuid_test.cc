#include "base/uuid.h"

#include <gtest/gtest.h>

#include <set>

namespace tidemark::base {
namespace {

constexpr char kText[] = "00112233-4455-6677-8899-aabbccddeeff";
constexpr std::array<std::uint8_t, 16> kBytes = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                                 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

TEST(Uuid, ParsesAndPrintsTheCanonicalForm) {
  const auto uuid = Uuid::Parse(kText);
  ASSERT_TRUE(uuid.ok()) << uuid.status();
  EXPECT_EQ(uuid->bytes(), kBytes);
  EXPECT_EQ(uuid->ToString(), kText);
  EXPECT_EQ(Uuid(kBytes), *uuid);
}

TEST(Uuid, ReadsUpperCaseAndPrintsLower) {
  EXPECT_EQ(Uuid::Parse("00112233-4455-6677-8899-AABBCCDDEEFF")->ToString(), kText);
}

TEST(Uuid, RefusesEverythingElseAndNamesIt) {
  for (const std::string text :
       {"", "00112233", "00112233445566778899aabbccddeeff", "00112233-4455-6677-8899-aabbccddeef",
        "00112233-4455-6677-8899-aabbccddeeff0", "{0112233-4455-6677-8899-aabbccddeef}",
        "00112233-4455-6677-8899-aabbccddeefg", "001122334-455-6677-8899-aabbccddeeff",
        "00112233-4455-6677-8899_aabbccddeeff", " 0112233-4455-6677-8899-aabbccddeeff",
        "-0112233-4455-6677-8899-aabbccddeeff", "0x112233-4455-6677-8899-aabbccddeeff"}) {
    const auto parsed = Uuid::Parse(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(std::string(parsed.status().message()).find("'" + text + "'"), std::string::npos);
  }
}

TEST(Uuid, RandomOnesAreVersionFourAndDiffer) {
  std::set<Uuid> seen;
  for (int i = 0; i < 1000; ++i) {
    const Uuid uuid = Uuid::Random();
    EXPECT_EQ(uuid.bytes()[6] >> 4, 4) << uuid.ToString();
    EXPECT_EQ(uuid.bytes()[8] >> 6, 2) << uuid.ToString();
    EXPECT_EQ(*Uuid::Parse(uuid.ToString()), uuid);
    seen.insert(uuid);
  }
  EXPECT_EQ(seen.size(), 1000U);
}

TEST(Uuid, DefaultIsNil) {
  EXPECT_TRUE(Uuid().nil());
  EXPECT_FALSE(Uuid(kBytes).nil());
  EXPECT_EQ(Uuid().ToString(), "00000000-0000-0000-0000-000000000000");
}

}  // namespace
}  // namespace tidemark::base
