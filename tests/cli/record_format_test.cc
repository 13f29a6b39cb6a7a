#include "cli/record_format.h"

#include "gmock/gmock.h"
#include "tests/support/status_matchers.h"

namespace tidemark::cli {
namespace {

using support::StatusIs;
using testing::HasSubstr;

TEST(RecordFormatTest, WritesEveryLetter) {
  client::IncomingRecord record;
  record.offset = 12;
  record.timestamp = 1'795'406'400'123;
  record.key = "k1";
  record.value = "hello";
  ASSERT_OK_AND_ASSIGN(const auto format, RecordFormat::Create("%T/%p@%o %t %k=%v 100%%\\n\\t"));
  EXPECT_EQ(format.Apply("orders", 3, record),
            "orders/3@12 2026-11-23T04:00:00.123Z k1=hello 100%\n\t");
}

TEST(RecordFormatTest, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"%x", "%", "\\q"}) {
    EXPECT_THAT(RecordFormat::Create(text).status(),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--format")))
        << text;
  }
}

}  // namespace
}  // namespace tidemark::cli
