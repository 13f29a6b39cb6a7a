// The SPU says that records are lost, and only then that it has the partition: nobody may see the
// second without the first.
#include <gtest/gtest.h>

#include "tests/sc/core/link_simulator.h"
#include "tests/support/report_builder.h"

namespace tidemark::sc {
namespace {

TEST(LostDataOrderTest, AnAcknowledgementDoesNotOvertakeTheReportBeforeIt) {
  LinkSimulator simulator(1);
  const auto session = [&] { return simulator.core().spus().at("spu-a").session; };
  while (!simulator.core().spus().contains("spu-a") || !session()->live) {
    simulator.Advance(std::chrono::milliseconds(50));
    simulator.Tick();
    simulator.DeliverToController();
    simulator.Commit();
  }
  const auto say = [&](v1::AttachRequest message) {
    simulator.Inject(message, false);
    while (simulator.DeliverToController()) {
    }
  };
  v1::AttachRequest whole;
  *whole.mutable_report() = test_support::ReadyReport(simulator.volume(0), 1);
  whole.mutable_report()->set_session(session()->id.value());
  v1::AttachRequest lost = whole;
  lost.mutable_report()->set_sequence(2);
  v1::LostData* hold = lost.mutable_report()->add_lost_data();
  hold->set_partition_id(1);
  hold->set_generation(1);
  hold->set_held(true);
  v1::AttachRequest ack;
  ack.mutable_assignments_ack()->set_session(session()->id.value());
  ack.mutable_assignments_ack()->set_version(1);
  v1::AssignmentResult* result = ack.mutable_assignments_ack()->add_results();
  result->set_partition_id(1);
  result->set_spec_version(1);
  result->set_ok(true);

  say(whole);  // is with the store
  say(lost);   // waits behind it
  say(ack);
  simulator.ForgetShown();
  while (simulator.Commit()) {
  }
  EXPECT_EQ(simulator.Status(0), v1::PARTITION_STATUS_FAILED);
  EXPECT_FALSE(simulator.EverShown(0, v1::PARTITION_STATUS_ONLINE));
  EXPECT_EQ(session()->assignments_acked, 1u);
}

}  // namespace
}  // namespace tidemark::sc
