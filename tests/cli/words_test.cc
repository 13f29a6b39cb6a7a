// Words for values of a newer peer: shown as unknown with their number, never as good news.
#include "cli/words.h"

#include <gmock/gmock.h>

#include "cli/commands/volume_table.h"
#include "tests/cli/app_fixture.h"

namespace tidemark::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int kNewer = 77;

TEST(Words, ValuesOfANewerPeerAreUnknownAndNeverGood) {
  space::v1::Holds unknown_kind;
  unknown_kind.add_held(static_cast<space::v1::HoldKind>(kNewer));
  space::v1::Holds unknown_cause;
  unknown_cause.add_held(space::v1::HOLD_KIND_SPACE);
  unknown_cause.mutable_space()->set_cause(static_cast<space::v1::SpaceCause>(kNewer));
  google::protobuf::RepeatedPtrField<space::v1::DeviceHold> faults;
  faults.Add()->set_cause(static_cast<space::v1::DeviceCause>(kNewer));
  const google::protobuf::RepeatedPtrField<space::v1::DeviceHold> none;

  struct Case {
    const char* of;
    std::string text;
  };
  for (const Case& c : {
           Case{"PartitionStatus", StatusWord(static_cast<sc::v1::PartitionStatus>(kNewer))},
           Case{"SpaceCause", CauseWord(static_cast<space::v1::SpaceCause>(kNewer))},
           Case{"DeviceCause", DeviceCauseWord(static_cast<space::v1::DeviceCause>(kNewer))},
           Case{"ProofStep", ProofStepText(static_cast<space::v1::ProofStep>(kNewer))},
           Case{"ProofStep below", ProofStepText(static_cast<space::v1::ProofStep>(-kNewer))},
           Case{"HoldKind", HoldsText(unknown_kind, none)},
           Case{"cause of a hold", HoldsText(unknown_cause, none)},
           Case{"cause of a fault", HoldsText({}, faults)},
           Case{"AssignmentRefusal",
                AssignmentRefusalWord(static_cast<sc::v1::AssignmentRefusal>(kNewer))},
       }) {
    SCOPED_TRACE(c.of);
    EXPECT_THAT(c.text, AllOf(HasSubstr("unknown"), HasSubstr(std::to_string(kNewer)),
                              Not(HasSubstr("Online")), Not(HasSubstr("Ready"))));
  }
  EXPECT_TRUE(IsHeld(unknown_kind, none)) << "an unknown hold holds";
  EXPECT_EQ(StatusColor(static_cast<sc::v1::PartitionStatus>(kNewer)), Color::kBad);
}

class NewerPeerTest : public AppTest {};

TEST_F(NewerPeerTest, IsShownAsUnknownWhereverAPersonLooks) {
  sc::v1::Partition& partition = *sc_.partitions.mutable_partitions(0);
  partition.set_volume("aaaa1111-0000");
  partition.set_status(static_cast<sc::v1::PartitionStatus>(kNewer));
  partition.set_assignment_refusal_reason(static_cast<sc::v1::AssignmentRefusal>(kNewer));
  sc::v1::ScVolume& volume = *sc_.spus.mutable_spus(0)->mutable_volumes(0);
  volume.clear_holds();
  volume.mutable_holds()->add_held(static_cast<space::v1::HoldKind>(kNewer));
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"partition", "list"},
                                             {"partition", "describe", "orders/0"},
                                             {"partition", "explain", "orders/0"},
                                             {"status"}}) {
    SCOPED_TRACE(words.back());
    EXPECT_THAT(Run(words).out, HasSubstr("unknown status 77"));
  }
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"volume", "list"}, {"volume", "describe", "/data/a"}, {"status"}}) {
    SCOPED_TRACE(words.back());
    EXPECT_THAT(Run(words).out, AllOf(HasSubstr("unknown hold 77"), Not(HasSubstr("Ready"))));
  }
  EXPECT_THAT(Run({"partition", "describe", "orders/0"}).out, HasSubstr("unknown refusal 77"));
}

}  // namespace
}  // namespace tidemark::cli
