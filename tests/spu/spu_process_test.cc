// What the controller's word does to a whole SPU, without a controller: it reaches the volume it is
// about, and can only close its gate.
#include "spu/spu_process.h"

#include <gtest/gtest.h>

#include <future>

#include "monitor/volume_format.h"
#include "storage/fs/posix_file_system.h"
#include "tests/support/await.h"
#include "tests/support/loop_thread.h"
#include "tests/support/small_volume.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace tidemark::spu {
namespace {

class SpuProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    auto small = support::SmallVolume::Create(
        {.kind = support::SmallVolume::Kind::kTmpfs, .size_bytes = 64 * base::kMiB});
    if (!small.ok()) GTEST_SKIP() << small.status().message();
    small_ = *std::move(small);
    ASSERT_OK(monitor::FormatVolume(disk_, small_->path(), {}, clock_));
    SpuOptions options;
    options.id = "spu-a";
    options.state_directory = home_.File("state");
    options.sc = "127.0.0.1:1";
    options.daemon.grpc_listen = {"127.0.0.1", 0};
    options.daemon.http_listen = {"127.0.0.1", 0};
    options.daemon.drain_grace = std::chrono::seconds(1);
    options.daemon.loop_limit = std::chrono::seconds(30);
    options.volumes.push_back({.path = small_->path(), .marks = {}});
    options.batch_bytes_max = base::kMiB;
    options.commit_queue_bytes_max = 64 * base::kMiB;
    options.reading_deadline = std::chrono::seconds(1);
    options.settle = std::chrono::milliseconds(30);
    options.retention_interval = std::chrono::seconds(10);
    loop_ = std::make_unique<support::LoopThread>();
    loop_->Run([&] {
      auto started = SpuProcess::Start(**loop_, clock_, disk_, options,
                                       [this](int code) { exit_codes_.push_back(code); });
      ASSERT_OK(started);
      process_ = *std::move(started);
    });
    ASSERT_TRUE(process_ != nullptr);
    ASSERT_TRUE(AwaitGenerationWithoutHolds(1));
  }
  void TearDown() override {
    if (process_ == nullptr) return;
    std::promise<void> stopped;
    loop_->Run([&] { process_->Stop([&] { stopped.set_value(); }); });
    stopped.get_future().wait();
    loop_->Run([&] { process_.reset(); });
  }

  const Volume& volume() const { return *process_->volumes().all().front(); }
  testing::AssertionResult AwaitGenerationWithoutHolds(std::uint64_t generation) {
    return support::WaitFor(
        [&] {
          bool done = false;
          loop_->Run([&] {
            done = volume().accepting() && volume().durable()->holds.empty() &&
                   volume().durable()->generation >= base::Generation(generation);
          });
          return done;
        },
        support::kLongWait, "the gate to open");
  }

  base::SystemClock clock_;
  storage::PosixFileSystem disk_;
  support::TempDirectory home_;
  std::unique_ptr<support::SmallVolume> small_;
  std::unique_ptr<support::LoopThread> loop_;
  std::unique_ptr<SpuProcess> process_;
  std::vector<int> exit_codes_;
};

TEST_F(SpuProcessTest, ARefusedProofClosesTheGateUntilItIsProvenAgain) {
  bool accepting = true;
  std::uint64_t generation = 0;
  loop_->Run([&] {
    generation = volume().durable()->generation.value();
    process_->OnProofRefused({volume().uuid(), volume().durable()->generation, "too short"});
    accepting = volume().accepting();
  });
  EXPECT_FALSE(accepting);
  ASSERT_TRUE(AwaitGenerationWithoutHolds(generation + 2));
  loop_->Run([&] { EXPECT_EQ(volume().durable()->last_proof->episode, base::Episode(1)); });
}

TEST_F(SpuProcessTest, AWipedVolumeIsClosedAndComesBackAboveWhatTheControllerKnows) {
  bool accepting = true;
  loop_->Run([&] {
    process_->OnWiped({volume().uuid(), base::Generation(100), base::Episode(7)});
    accepting = volume().accepting();
  });
  EXPECT_FALSE(accepting);
  ASSERT_TRUE(AwaitGenerationWithoutHolds(102));
  loop_->Run([&] { EXPECT_EQ(volume().durable()->last_proof->episode, base::Episode(8)); });
}

TEST_F(SpuProcessTest, WhoIsSupersededMustExitAndSaysSoOnce) {
  constexpr int kSuperseded = 78;
  loop_->Run([&] {
    process_->OnExit(kSuperseded, "superseded");
    process_->OnExit(kSuperseded, "superseded");
  });
  EXPECT_EQ(exit_codes_, std::vector<int>{kSuperseded});
}

}  // namespace
}  // namespace tidemark::spu
