// What the controller's word does to a whole SPU, without a controller: it reaches the volume it is
// about, and can only close its gate.
#include "spu/spu_process.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <future>

#include "monitor/volume_format.h"
#include "storage/fs/posix_file_system.h"
#include "tests/support/await.h"
#include "tests/support/capture_log_sink.h"
#include "tests/support/foreign_filler.h"
#include "tests/support/http_fetch.h"
#include "tests/support/loop_thread.h"
#include "tests/support/small_volume.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace tidemark::spu {
namespace {

using support::kLongWait;
using support::WaitFor;
using testing::AllOf;
using testing::Contains;
using testing::ContainsRegex;
using testing::HasSubstr;

// A volume that is formatted, and no agent on it yet.
class SpuProcessStartTest : public testing::Test {
 protected:
  void SetUp() override {
    auto small = support::SmallVolume::Create(
        {.kind = support::SmallVolume::Kind::kTmpfs, .size_bytes = 64 * base::kMiB});
    if (!small.ok()) GTEST_SKIP() << small.status().message();
    small_ = *std::move(small);
    ASSERT_OK(monitor::FormatVolume(disk_, small_->path(), {}, clock_));
  }
  void StartAgent() {
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

class SpuProcessTest : public SpuProcessStartTest {
 protected:
  void SetUp() override {
    SpuProcessStartTest::SetUp();
    if (IsSkipped()) return;
    StartAgent();
    ASSERT_TRUE(AwaitGenerationWithoutHolds(1));
  }
};

// A restart makes no space: it lives. A disk that was taken once and filled since is another
// matter: consumers must drain it.
TEST_F(SpuProcessStartTest, AFirstStartOnAFullDiskIsNotReadyAndNamesTheBytesUntilThereIsRoom) {
  const support::CaptureLogSink log;
  auto filler = support::ForeignFiller::Create(small_->path());
  ASSERT_OK(filler);
  ASSERT_OK((*filler)->FillUntilLeft(2 * base::kMiB));
  StartAgent();
  const auto ask = [this](const char* path) {
    return support::HttpFetch(process_->http_endpoint().port, path);
  };
  const auto names_the_bytes = AllOf(HasSubstr(small_->path()), ContainsRegex("[1-9][0-9]* bytes"));
  ASSERT_TRUE(WaitFor(
      [&] {
        return testing::Value(
            ask("/readyz?verbose").body,
            ContainsRegex("\\[-\\]first_start failed: .* available, .* bytes\\) short"));
      },
      kLongWait, "readiness that names the bytes"));
  const support::HttpReply reply = ask("/readyz?verbose");
  EXPECT_EQ(reply.status, 503);
  EXPECT_THAT(reply.body, names_the_bytes);
  EXPECT_EQ(ask("/livez").status, 200);
  EXPECT_EQ(ask("/startupz").status, 200);
  EXPECT_THAT(log.lines(), Contains(AllOf(HasSubstr("volume.first_start_short"), names_the_bytes)));

  ASSERT_OK((*filler)->Free());
  ASSERT_TRUE(WaitFor([&] { return ask("/readyz").status == 200; }, kLongWait, "readiness"));
  ASSERT_TRUE(AwaitGenerationWithoutHolds(1));
  ASSERT_OK((*filler)->FillCompletely());
  ASSERT_TRUE(WaitFor(
      [&] {
        bool accepting = true;
        loop_->Run([&] { accepting = volume().accepting(); });
        return !accepting;
      },
      kLongWait, "the gate to close"));
  EXPECT_EQ(ask("/readyz").status, 200);
  const auto lines = log.lines();
  EXPECT_EQ(std::ranges::count_if(lines,
                                  [](const std::string& line) {
                                    return line.find("first_start_short") != std::string::npos;
                                  }),
            1);
}

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

TEST_F(SpuProcessTest, AFencedSpuTakesNoAppendsAndIsNotReadyUntilTheFenceIsLifted) {
  const auto ready = [this] {
    return support::HttpFetch(process_->http_endpoint().port, "/readyz?verbose");
  };
  const auto why_closed = [this] {
    std::optional<Refusal> why;
    loop_->Run([&] { why = volume().WhyClosed(); });
    return why;
  };
  ASSERT_TRUE(WaitFor([&] { return ready().status == 200; }, kLongWait, "readiness"));
  loop_->Run([&] { process_->OnFence("volume belongs to SPU 'other'"); });
  const std::optional<Refusal> why = why_closed();
  ASSERT_TRUE(why.has_value());
  EXPECT_EQ(why->reason(), tidemark::log::v1::REFUSAL_REASON_FENCED);
  EXPECT_THAT(why->message(), HasSubstr("belongs to SPU 'other'"));
  EXPECT_EQ(ready().status, 503);
  EXPECT_THAT(ready().body, HasSubstr("[-]fence failed: volume belongs to SPU 'other'"));
  loop_->Run([&] { process_->OnFence(""); });
  EXPECT_FALSE(why_closed().has_value());
  EXPECT_EQ(ready().status, 200);
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
