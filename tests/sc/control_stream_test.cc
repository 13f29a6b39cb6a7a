#include "sc/services/control_stream.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include <future>

#include "daemon/grpc_channel.h"
#include "tests/sc/controller_fixture.h"
#include "tidemark/sc/v1/control.grpc.pb.h"

namespace tidemark::sc {
namespace {

using support::kLongWait;
using support::WaitFor;

// Holds up a controller's loop from when its turn comes until it is destroyed or let go.
class Blocker {
 public:
  explicit Blocker(support::ScRig& rig) {
    rig.loop()->PostControl([this, blocked = free_.get_future().share()] {
      running_.set_value();
      blocked.wait();
    });
  }
  void AwaitRunning() { running_.get_future().wait(); }
  ~Blocker() {
    if (!is_free_) Release();
  }
  void Release() {
    is_free_ = true;
    free_.set_value();
  }

 private:
  std::promise<void> running_;
  std::promise<void> free_;
  bool is_free_ = false;
};

class ControlStreamTest : public ControllerTest {};

TEST_F(ControlStreamTest, TheHelloOfAnSpuThatGaveUpWaitingOpensNoSession) {
  support::ScRig rig(support::ScRig::Options(data_));
  const auto queued = [&](std::size_t tasks) {
    return WaitFor([&] { return rig.loop()->queue()->size() >= tasks; }, kLongWait, "tasks");
  };
  const auto channel = daemon::NewChannel(rig.grpc_target());
  ASSERT_TRUE(channel->WaitForConnected(std::chrono::system_clock::now() + kLongWait));
  const auto stub = v1::ControlService::NewStub(channel);
  grpc::ClientContext context;
  Blocker first(rig);
  first.AwaitRunning();
  const auto stream = stub->Attach(&context);
  ASSERT_TRUE(queued(1));  // the stream is to be opened
  Blocker second(rig);
  v1::AttachRequest hello;
  hello.mutable_hello()->set_spu_id("impatient");
  hello.mutable_hello()->set_spu_uuid(base::Uuid({9}).ToBytes());
  hello.mutable_hello()->set_boot_count(1);
  hello.mutable_hello()->set_attempt(1);
  ASSERT_TRUE(stream->Write(hello));
  first.Release();
  second.AwaitRunning();
  ASSERT_TRUE(queued(1));  // the Hello was read
  context.TryCancel();
  EXPECT_FALSE(stream->Finish().ok());
  ASSERT_TRUE(queued(2));  // and it was cancelled
  second.Release();

  support::FakeSpu patient(rig.grpc_target(), "patient", {kDisk});
  ASSERT_TRUE(Welcomed(patient.Attach()));
  const Admin admin(rig.grpc_target());
  EXPECT_EQ(admin.Events("impatient").size(), 0U);
  EXPECT_EQ(admin.Events("session.opened").size(), 1U);
}

}  // namespace
}  // namespace tidemark::sc
