#include "monitor/marks.h"

#include <gtest/gtest.h>

#include "base/byte_size.h"
#include "tests/support/status_matchers.h"

namespace tidemark::monitor {
namespace {

using base::kGiB;
using base::kKiB;
using base::kMiB;
using base::kTiB;
using base::SizeSpec;

constexpr std::int64_t kSlotsBytes = 16 * kKiB;

SizeSpec Percent(double percent) { return {SizeSpec::Kind::kPercent, percent, 0}; }
SizeSpec Bytes(std::int64_t bytes) { return {SizeSpec::Kind::kBytes, 0, bytes}; }

struct MarksRow {
  std::int64_t capacity;
  std::int64_t segment, step, reserve;
  std::int64_t full, resume, low;
};

TEST(MarksTest, DeriveFromCapacityFrom64MibTo10Tib) {
  const MarksRow rows[] = {
      {64 * kMiB, kMiB, 256 * kKiB, 4 * kMiB, 3355443, 4697620, 8053063},
      {256 * kMiB, 4 * kMiB, 512 * kKiB, 8 * kMiB, 13421772, 18790481, 32212253},
      {kGiB, 16 * kMiB, 2 * kMiB, 32 * kMiB, 53687091, 75161927, 128849018},
      {10 * kGiB, 160 * kMiB, 8 * kMiB, 320 * kMiB, 536870912, 751619276, 1288490188},
      {100 * kGiB, kGiB, 8 * kMiB, kGiB, 5 * kGiB, 7 * kGiB, 12 * kGiB},
      {kTiB, kGiB, 8 * kMiB, kGiB, 50 * kGiB, 66 * kGiB, 66 * kGiB + 54975581388},
      {10 * kTiB, kGiB, 8 * kMiB, kGiB, 50 * kGiB, 66 * kGiB, 130 * kGiB},
  };
  for (const MarksRow& row : rows) {
    const std::string name = base::FormatByteSize(row.capacity);
    const Marks m = DeriveMarks(row.capacity, 0);
    EXPECT_EQ(m.segment_bytes, row.segment) << name;
    EXPECT_EQ(m.step_bytes, row.step) << name;
    EXPECT_EQ(m.reserve_bytes, row.reserve) << name;
    EXPECT_EQ(m.full_bytes, row.full) << name;
    EXPECT_EQ(m.resume_bytes, row.resume) << name;
    EXPECT_NEAR(static_cast<double>(m.low_bytes), static_cast<double>(row.low), 2) << name;
  }
}

TEST(MarksTest, DefaultsAreSaneAtEveryCapacity) {
  for (std::int64_t c = 64 * kMiB; c <= 10 * kTiB; c += c / 7 + 12345) {
    const Marks m = DeriveMarks(c, c / (16 * kKiB));
    SCOPED_TRACE(base::FormatByteSize(c));
    EXPECT_TRUE(ValidateMarks(m, {c, c / (16 * kKiB), kSlotsBytes, 64}).ok())
        << ValidateMarks(m, {c, c / (16 * kKiB), kSlotsBytes, 64});
    EXPECT_LT(0, m.full_bytes);
    EXPECT_LT(m.full_bytes, m.resume_bytes);
    EXPECT_LT(m.resume_bytes, m.low_bytes);
    EXPECT_LT(m.low_bytes, c / 5);  // a fresh volume is not low
    EXPECT_GE(m.gap_bytes(), 2 * m.step_bytes);
    EXPECT_GE(m.segment_bytes, m.step_bytes);
    EXPECT_EQ(m.segment_bytes % (4 * kKiB), 0);
    EXPECT_EQ(m.step_bytes % (4 * kKiB), 0);
    EXPECT_LE(m.reserve_bytes + m.resume_bytes, c / 4);  // three quarters stay for data
  }
}

TEST(MarksTest, InodeMarksAreOnePercentAtLeast64AtMostTenPercent) {
  const struct {
    std::int64_t inodes, full, resume, low;
  } rows[] = {
      {100, 10, 20, 30}, {640, 64, 128, 192}, {1000, 64, 128, 192}, {65536, 655, 1310, 1965}};
  for (const auto& row : rows) {
    const Marks m = DeriveMarks(kGiB, row.inodes);
    EXPECT_EQ(m.full_inodes, row.full) << row.inodes;
    EXPECT_EQ(m.resume_inodes, row.resume) << row.inodes;
    EXPECT_EQ(m.low_inodes, row.low) << row.inodes;
  }
  EXPECT_EQ(DeriveMarks(kGiB, 0).low_inodes, 0);
}

TEST(MarksTest, OverridesArePercentOrBytesAndMoveWhatLiesAbove) {
  MarksOverrides overrides;
  overrides.full = Percent(10);
  overrides.step = Bytes(kMiB);
  const Marks m = DeriveMarks(kGiB, 0, overrides);
  EXPECT_EQ(m.full_bytes, 107374182);
  EXPECT_EQ(m.step_bytes, kMiB);
  EXPECT_EQ(m.resume_bytes, m.full_bytes + 21474836);
  EXPECT_GT(m.low_bytes, m.resume_bytes);
}

TEST(MarksTest, TheFitOfAVolumeIsWhatWasReadOfItLessItsSlots) {
  SpaceReading reading;
  reading.total_bytes = kGiB;
  reading.inodes_total = 65536;
  const MarksFit fit = FitOf(reading, 16);
  EXPECT_EQ(fit.total_bytes, kGiB);
  EXPECT_EQ(fit.inodes_total, 65536);
  EXPECT_EQ(fit.slots_bytes, 64 * kKiB);
  EXPECT_EQ(fit.partitions, 16);
}

TEST(MarksTest, RefusesWhatCannotWorkWithTheNumbers) {
  const struct {
    const char* name;
    void (*spoil)(Marks&, MarksFit&);
    const char* message;
  } cases[] = {
      {"resume below full", [](Marks& m, MarksFit&) { m.resume_bytes = m.full_bytes - 1; },
       "resume mark 51.2 MiB"},
      {"no gap", [](Marks& m, MarksFit&) { m.resume_bytes = m.full_bytes; }, "above full mark"},
      {"gap under two steps",
       [](Marks& m, MarksFit&) { m.resume_bytes = m.full_bytes + 2 * m.step_bytes - 1; },
       "2 steps of 2.0 MiB"},
      {"low at resume", [](Marks& m, MarksFit&) { m.low_bytes = m.resume_bytes; },
       "is not above resume mark"},
      {"low beyond the volume", [](Marks& m, MarksFit&) { m.low_bytes = 2 * kGiB; },
       "is not below the volume's 1.0 GiB"},
      {"full below two steps", [](Marks& m, MarksFit&) { m.full_bytes = 1; }, "full mark 1 B"},
      {"too many partitions", [](Marks&, MarksFit& f) { f.partitions = 500; }, "500 partitions"},
      {"reserve too large", [](Marks& m, MarksFit&) { m.reserve_bytes = kGiB; },
       "reserve takes 1.0 GiB"},
      {"volume shrunk", [](Marks&, MarksFit& f) { f.total_bytes = 130 * kMiB; }, "does not fit"},
      {"segment below step", [](Marks& m, MarksFit&) { m.segment_bytes = m.step_bytes - 1; },
       "is smaller than a step"},
      {"inodes out of order", [](Marks& m, MarksFit&) { m.resume_inodes = m.full_inodes; },
       "full 655 < resume 655"},
      {"inodes beyond the volume", [](Marks& m, MarksFit&) { m.low_inodes = 65536; },
       "< 65536 inodes of the volume"},
  };
  for (const auto& c : cases) {
    Marks marks = DeriveMarks(kGiB, 65536);
    MarksFit fit{kGiB, 65536, kSlotsBytes, 16};
    ASSERT_TRUE(ValidateMarks(marks, fit).ok());
    c.spoil(marks, fit);
    const absl::Status status = ValidateMarks(marks, fit);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.name;
    EXPECT_NE(std::string(status.message()).find(c.message), std::string::npos)
        << c.name << ": " << status;
  }
}

}  // namespace
}  // namespace tidemark::monitor
