#include "cli/start_at_text.h"

#include "gmock/gmock.h"
#include "tests/support/status_matchers.h"

namespace tidemark::cli {
namespace {

using client::StartAt;
using support::StatusIs;
using testing::HasSubstr;

constexpr base::WallMillis kNow = 1'795'406'400'000;  // 2026-11-23T04:00:00Z

TEST(StartAtTextTest, UnderstandsEveryForm) {
  struct Case {
    std::string text;
    StartAt expected;
  };
  for (const Case& c : {
           Case{"earliest", {StartAt::Kind::kEarliest, 0}},
           Case{"latest", {StartAt::Kind::kLatest, 0}},
           Case{"0", {StartAt::Kind::kOffset, 0}},
           Case{"1200", {StartAt::Kind::kOffset, 1200}},
           Case{"2026-11-23T04:00:00Z", {StartAt::Kind::kTime, kNow}},
           Case{"2026-11-23T05:00:00.250+01:00", {StartAt::Kind::kTime, kNow + 250}},
           Case{"15m", {StartAt::Kind::kTime, kNow - 900'000}},
           Case{"2h", {StartAt::Kind::kTime, kNow - 7'200'000}},
       }) {
    EXPECT_THAT(ParseStartAt(c.text, kNow), support::IsOkAndHolds(c.expected)) << c.text;
  }
}

TEST(StartAtTextTest, SaysWhatWouldDo) {
  for (const char* text : {"", "yesterday", "-5", "12x", "2026-11-23"}) {
    EXPECT_THAT(ParseStartAt(text, kNow).status(),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("earliest, latest")))
        << text;
  }
}

}  // namespace
}  // namespace tidemark::cli
