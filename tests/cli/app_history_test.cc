// What happened, and what happens while one watches.
#include "cli/app.h"
#include "gmock/gmock.h"
#include "tests/cli/app_fixture.h"

namespace tidemark::cli {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

TEST_F(AppTest, EventsTellWhatHappenedAndFilter) {
  sc::v1::Event& event = *sc_.events.add_events();
  event.set_number(9);
  event.set_at_unix_ms(kThen);
  event.set_name("report.refused");
  event.set_subject("volume aaaa1111");
  event.set_reason("generation 4 is lower than 7");
  const Ran ran = Run({"events", "--contains", "refused", "--limit", "5"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(sc_.listed_events.contains(), "refused");
  EXPECT_EQ(sc_.listed_events.limit(), 5);
  EXPECT_THAT(ran.out, ContainsRegex("9  2026-11-23T04:00:00Z  report.refused  volume aaaa1111"));
}

TEST_F(AppTest, EventsOfATimeAndThePageBefore) {
  EXPECT_EQ(Run({"events", "--since", "2026-11-23T04:00:00Z", "--until", "2026-11-23T05:00:00Z",
                 "--before", "9"})
                .code,
            0);
  EXPECT_EQ(sc_.listed_events.since_unix_ms(), kThen);
  EXPECT_EQ(sc_.listed_events.until_unix_ms(), kThen + 3'600'000);
  EXPECT_EQ(sc_.listed_events.before_number(), 9U);
  EXPECT_EQ(Run({"events", "--since", "15m"}).code, 0);
  EXPECT_GT(sc_.listed_events.since_unix_ms(), kThen);
  EXPECT_EQ(sc_.listed_events.until_unix_ms(), 0);
  const Ran wrong = Run({"events", "--since", "yesterday"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("--since 'yesterday' is neither a time"));
  EXPECT_EQ(Run({"events", "--follow", "--before", "9"}).code, 2);
}

TEST_F(AppTest, EventsThatFollowAreFilteredAsTheListIs) {
  sc::v1::WatchEventsResponse more;
  const auto add = [&](const std::string& name) -> sc::v1::Event& {
    sc::v1::Event& event = *more.add_events();
    event.set_name(name);
    event.set_at_unix_ms(kThen);
    return event;
  };
  add("one.hold").set_to("operator(Ann: disk swap)");
  add("two.spu").set_spu_id("ANN");
  add("three.volume").set_volume("ann-0");
  add("four.old").set_reason("Ann");
  more.mutable_events(3)->set_at_unix_ms(kThen - 1);
  add("five.other").set_reason("somebody");
  sc_.more_events.push_back(more);
  const Ran ran =
      Run({"events", "--follow", "--contains", "aNN", "--since", "2026-11-23T04:00:00Z"});
  EXPECT_THAT(ran.out, AllOf(HasSubstr("one.hold"), HasSubstr("two.spu"), HasSubstr("three.vol")));
  EXPECT_THAT(ran.out, AllOf(Not(HasSubstr("four.old")), Not(HasSubstr("five.other"))));
}

TEST_F(AppTest, WatchPrintsChangesOfStatusAndNothingElse) {
  sc::v1::WatchPartitionsResponse change;
  *change.add_partitions() = sc_.partitions.partitions(0);
  sc_.partition_changes.push_back(change);
  change.mutable_partitions(0)->set_high_watermark(200);
  sc_.partition_changes.push_back(change);  // only offsets moved
  change.mutable_partitions(0)->set_status(sc::v1::PARTITION_STATUS_OUT_OF_SPACE);
  sc_.partition_changes.push_back(change);
  const Ran ran = Run({"watch"});
  EXPECT_EQ(ran.code, 69) << "the SC ended the stream";
  EXPECT_THAT(ran.out, ContainsRegex("orders/0  Online  reachable: yes\n"
                                     ".*orders/0  Online -> OutOfSpace  reachable: yes\n$"));
}

}  // namespace
}  // namespace tidemark::cli
