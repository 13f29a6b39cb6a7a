#include "base/byte_size.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace tidemark::base {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(ByteSize, ParsesWhatPeopleWrite) {
  struct Row {
    const char* text;
    std::int64_t bytes;
  };
  for (const Row& row : {Row{"0", 0},
                         {"1", 1},
                         {"4096", 4096},
                         {"17B", 17},
                         {"64KiB", 64 * kKiB},
                         {"64 KiB", 64 * kKiB},
                         {"1MiB", kMiB},
                         {"1.5 GiB", kGiB + kGiB / 2},
                         {"10TiB", 10 * kTiB},
                         {"10kB", 10'000},
                         {"10MB", 10'000'000},
                         {"2GB", 2'000'000'000},
                         {"3TB", 3'000'000'000'000},
                         {"0.5B", 1},  // rounds half up
                         {"1e3", 1000},
                         {"8388607TiB", 8388607 * kTiB},
                         {"9007199254740993", 9007199254740993},  // 2^53 + 1: no double
                         {"9223372036854775807", std::numeric_limits<std::int64_t>::max()}}) {
    const auto parsed = ParseByteSize(row.text);
    ASSERT_TRUE(parsed.ok()) << row.text << ": " << parsed.status();
    EXPECT_EQ(*parsed, row.bytes) << row.text;
  }
}

TEST(ByteSize, RefusesWhatIsNoSizeAndNamesIt) {
  for (const char* text : {"",
                           " ",
                           "KiB",
                           "-1",
                           "-0",
                           "-0.0KiB",
                           "+1",
                           "1K",
                           "1kib",
                           "1 Ki B",
                           "1KiB ",
                           " 1",
                           "0x10",
                           "1,5MiB",
                           "nan",
                           "inf",
                           "1e400",
                           "8388608TiB",
                           "9223372036854775808",
                           "10%",
                           "1..5MiB",
                           "5GiB extra",
                           "1\t"}) {
    const auto parsed = ParseByteSize(text);
    ASSERT_FALSE(parsed.ok()) << text << " gave " << *parsed;
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(std::string(parsed.status().message()).find("'" + std::string(text) + "'"),
              std::string::npos)
        << parsed.status();
  }
}

TEST(ByteSize, PrintsTheLargestUnitThatFits) {
  struct Row {
    std::int64_t bytes;
    const char* text;
  };
  for (const Row& row : {Row{0, "0 B"},
                         {1, "1 B"},
                         {1023, "1023 B"},
                         {kKiB, "1.0 KiB"},
                         {kMiB - 1, "1.0 MiB"},  // never "1024.0 KiB"
                         {kMiB, "1.0 MiB"},
                         {412 * kMiB + 300 * kKiB, "412.3 MiB"},
                         {kGiB - 1, "1.0 GiB"},
                         {5 * kGiB, "5.0 GiB"},
                         {10 * kTiB, "10.0 TiB"},
                         {-1, "-1 B"},
                         {-3 * kMiB, "-3.0 MiB"},
                         {std::numeric_limits<std::int64_t>::max(), "8388608.0 TiB"},
                         {std::numeric_limits<std::int64_t>::min(), "-8388608.0 TiB"}}) {
    EXPECT_EQ(FormatByteSize(row.bytes), row.text) << row.bytes;
  }
}

TEST(Duration, ParsesWhatPeopleWrite) {
  struct Row {
    const char* text;
    Duration duration;
  };
  for (const Row& row : {Row{"0s", seconds(0)},
                         {"5ns", Duration(5)},
                         {"7us", Duration(7000)},
                         {"250ms", milliseconds(250)},
                         {"30s", seconds(30)},
                         {"2.5 s", milliseconds(2500)},
                         {"5m", minutes(5)},
                         {"2h", hours(2)},
                         {"7d", hours(7 * 24)}}) {
    const auto parsed = ParseDuration(row.text);
    ASSERT_TRUE(parsed.ok()) << row.text << ": " << parsed.status();
    EXPECT_EQ(*parsed, row.duration) << row.text;
  }
}

TEST(Duration, RefusesWhatHasNoUnitOrDoesNotFit) {
  for (const char* text : {"", "5", "-5s", "s", "5 minutes", "5M", "1e30d", "10%", "106752d"}) {
    const auto parsed = ParseDuration(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(Duration, PrintsTwoUnitsAtMost) {
  struct Row {
    Duration duration;
    const char* text;
  };
  for (const Row& row : {Row{Duration(0), "0ms"},
                         {milliseconds(1), "1ms"},
                         {milliseconds(999), "999ms"},
                         {Duration(999'600'000), "1.0s"},  // never "1000ms"
                         {milliseconds(2500), "2.5s"},
                         {milliseconds(59'960), "1m00s"},  // never "60.0s"
                         {seconds(60), "1m00s"},
                         {milliseconds(119'700), "2m00s"},  // never "1m60s"
                         {seconds(3599), "59m59s"},
                         {milliseconds(3'599'800), "1h00m"},
                         {hours(3) + minutes(12), "3h12m"},
                         {hours(47) + minutes(59), "47h59m"},
                         {hours(48), "2d00h"},
                         {hours(24 * 400 + 5), "400d05h"},
                         {seconds(-90), "-1m30s"},
                         {milliseconds(-250), "-250ms"}}) {
    EXPECT_EQ(FormatDuration(row.duration), row.text) << row.duration.count();
  }
}

TEST(SizeSpec, IsBytesOrAShareOfTheWhole) {
  struct Row {
    const char* text;
    std::int64_t whole;
    std::int64_t bytes;
  };
  for (const Row& row : {Row{"5%", 1000, 50},
                         {"0%", 1000, 0},
                         {"100%", 1000, 1000},
                         {"2.5 %", 1000, 25},
                         {"5%", 0, 0},
                         {"5%", 10 * kTiB, 549755813888},
                         {"64MiB", 1000, 64 * kMiB},
                         {"0", 1000, 0}}) {
    const auto spec = ParseSizeSpec(row.text);
    ASSERT_TRUE(spec.ok()) << row.text << ": " << spec.status();
    EXPECT_EQ(spec->Of(row.whole), row.bytes) << row.text << " of " << row.whole;
  }
}

TEST(SizeSpec, RefusesMoreThanTheWhole) {
  for (const char* text : {"100.1%", "-5%", "%", "5%%", "5 % x", "abc"}) {
    EXPECT_EQ(ParseSizeSpec(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(SizeSpec, PrintsAsItWasWritten) {
  EXPECT_EQ(ParseSizeSpec("2.5%")->ToString(), "2.5%");
  EXPECT_EQ(ParseSizeSpec("64MiB")->ToString(), "64.0 MiB");
}

}  // namespace
}  // namespace tidemark::base
