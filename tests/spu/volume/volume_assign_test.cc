// Why an assignment was refused: what no space was, is not told as no room.
#include <gtest/gtest.h>

#include "tests/spu/volume/volume_rig.h"

namespace tidemark::spu {
namespace {

namespace sc_pb = tidemark::sc::v1;
using support::Operation;

struct Refused {
  int error_number;
  sc_pb::AssignmentRefusal refusal;
};

TEST(VolumeAssignTest, TheRefusalSaysWhatFailed) {
  for (const Refused& each : {Refused{ENOSPC, sc_pb::ASSIGNMENT_REFUSAL_NO_ROOM},
                              Refused{EDQUOT, sc_pb::ASSIGNMENT_REFUSAL_NO_ROOM},
                              Refused{EMFILE, sc_pb::ASSIGNMENT_REFUSAL_VOLUME_HELD},
                              Refused{EIO, sc_pb::ASSIGNMENT_REFUSAL_DEVICE}}) {
    SCOPED_TRACE(std::strerror(each.error_number));
    VolumeRig rig;
    if (!rig.unavailable().empty()) GTEST_SKIP() << rig.unavailable();
    ASSERT_OK(rig.Open());
    ASSERT_TRUE(rig.AwaitAccepting(true));
    rig.disk().Add({.operation = Operation::kCreateDirectory, .error_number = each.error_number});
    const sc_pb::AssignmentResult result = rig.Assign(7);
    EXPECT_FALSE(result.ok());
    EXPECT_EQ(result.refusal(), each.refusal) << result.detail();
  }
}

}  // namespace
}  // namespace tidemark::spu
