// What the history says: refusals with their number, episodes with their proof and their own
// numbers.
#include <gmock/gmock.h>

#include "tests/sc/core/controller_core_fixture.h"

namespace tidemark::sc {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class HistoryTest : public ControllerCoreTest {
 protected:
  EventRecord Newest(const std::string& name) const {
    const auto events = Events(name);
    return events.empty() ? EventRecord() : events.back();
  }
  // What no SPU ever wrote, and no time passes in which one could object.
  void Say(v1::Report report) {
    made_up_ = true;
    v1::AttachRequest message;
    report.set_session(LiveSession().value());
    report.set_sequence(2'000'000 + ++said_);
    *message.mutable_report() = std::move(report);
    Deliver(message);
    while (simulator_.Commit()) {
    }
  }

 private:
  std::uint64_t said_ = 0;
};

TEST_F(HistoryTest, ARefusalThatCameOftenSaysHowOften) {
  for (int i = 0; i < 50; ++i) simulator_.Inject(LastSent(v1::AttachRequest::kHello), true);
  simulator_.Settle();
  simulator_.Settle(std::chrono::minutes(1));
  simulator_.Inject(LastSent(v1::AttachRequest::kHello), true);
  simulator_.Settle();
  EXPECT_EQ(simulator_.CountEvents("hello.refused", "(and 49 more like it before)"), 1u);
}

TEST_F(HistoryTest, AReconnectIsNoRefusal) {
  v1::AttachRequest newer = LastSent(v1::AttachRequest::kHello);
  newer.mutable_hello()->set_attempt(50);
  simulator_.Inject(newer, true, /*half_open=*/true);
  while (simulator_.DeliverToController()) {
  }
  while (simulator_.Commit()) {
  }
  EXPECT_EQ(simulator_.CountEvents("session.lost", "a newer Hello"), 1u);
  EXPECT_TRUE(Events("message.refused").empty());
  EXPECT_EQ(AllRefused(), 0u);
}

TEST_F(HistoryTest, AHelloTheStoreFailsIsCountedAndTold) {
  simulator_.CutStream();
  simulator_.FailStore(true);
  simulator_.Settle(kLong);
  simulator_.FailStore(false);
  EXPECT_GE(Refused("store failed"), 1u);
  simulator_.Settle(std::chrono::minutes(2));
  EXPECT_EQ(simulator_.Status(0), v1::PARTITION_STATUS_ONLINE);
}

}  // namespace
}  // namespace tidemark::sc
