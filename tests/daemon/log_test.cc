#include "daemon/log.h"

#include <limits>

#include "daemon/json_text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/capture_log_sink.h"
#include "tests/support/status_matchers.h"

namespace tidemark::daemon {
namespace {

using testing::ElementsAre;

LogEvent Event(std::span<const LogField> fields) {
  return {.time = 1'795'319'084'123,
          .level = LogLevel::kWarn,
          .name = "volume.episode_began",
          .fields = fields};
}

TEST(LogTest, FormatsTextWithQuotesOnlyWhereNeeded) {
  const LogField fields[] = {{"volume", "a"},  {"why", "disk \"sda\" full"}, {"empty", ""},
                             {"bytes", -1},    {"big", ~std::uint64_t{0}},   {"ratio", 0.25},
                             {"blocked", true}};
  EXPECT_EQ(FormatLogText(Event(fields)),
            "2026-11-22T03:44:44.123Z WARN  volume.episode_began volume=a "
            "why=\"disk \\\"sda\\\" full\" empty=\"\" bytes=-1 big=18446744073709551615 "
            "ratio=0.25 blocked=true");
}

TEST(LogTest, FormatsOneJsonObjectPerEvent) {
  const LogField fields[] = {{"volume", "a\nb"}, {"bytes", 7}, {"blocked", false}};
  EXPECT_EQ(FormatLogJson(Event(fields)),
            R"({"time":"2026-11-22T03:44:44.123Z","level":"warn","event":"volume.episode_began",)"
            R"("volume":"a\nb","bytes":7,"blocked":false})");
}

TEST(LogTest, WritesNumbersThatJsonDoesNotHaveAsNull) {
  const LogField fields[] = {{"ratio", std::numeric_limits<double>::quiet_NaN()},
                             {"rate", std::numeric_limits<double>::infinity()}};
  EXPECT_THAT(FormatLogJson(Event(fields)), testing::HasSubstr(R"("ratio":null,"rate":null})"));
}

TEST(LogTest, GoesToTheInstalledSinkAndBack) {
  {
    const support::CaptureLogSink log;
    Log(LogLevel::kInfo, "spu.started", {{"port", 7201}});
    Log(LogLevel::kError, "spu.stopped");
    EXPECT_THAT(log.lines(), ElementsAre("INFO  spu.started port=7201", "ERROR spu.stopped"));
  }
  const support::CaptureLogSink log;
  EXPECT_THAT(log.lines(), ElementsAre());
}

TEST(LogTest, ParsesLevels) {
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError}) {
    EXPECT_THAT(ParseLogLevel(LogLevelName(level)), support::IsOkAndHolds(level));
  }
  EXPECT_THAT(ParseLogLevel("loud"), support::StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(JsonStringTest, EscapesAndRepairs) {
  const struct {
    std::string_view text;
    std::string_view json;
  } kCases[] = {
      {"", R"("")"},
      {"a\"b\\c", R"("a\"b\\c")"},
      {std::string_view("\x00\x1f\x7f", 3), R"("\u0000\u001f\u007f")"},
      {"\t\r\n", R"("\t\r\n")"},
      {"é€😀", R"("é€😀")"},
      {"a\xffz", R"("a\ufffdz")"},                            // never UTF-8
      {"\xc0\xaf", R"("\ufffd\ufffd")"},                      // overlong
      {"\xed\xa0\x80", R"("\ufffd\ufffd\ufffd")"},            // surrogate
      {"\xe2\x82", R"("\ufffd\ufffd")"},                      // cut off
      {"\xf4\x90\x80\x80", R"("\ufffd\ufffd\ufffd\ufffd")"},  // beyond U+10FFFF
  };
  for (const auto& [text, json] : kCases) EXPECT_EQ(JsonString(text), json);
}

}  // namespace
}  // namespace tidemark::daemon
