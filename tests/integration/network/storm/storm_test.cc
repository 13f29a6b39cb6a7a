// A storm: every SPU of a large fleet loses its controller at once and all come back at once.
//
// The controller is the real one (loop, core, SQLite, gRPC server), in this process; so are the
// SPUs' links. Between them is a wire that can be cut.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <thread>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/mutex.h"
#include "cli/client/controller_client.h"
#include "cli/words.h"
#include "daemon/process_setup.h"
#include "tests/integration/network/storm/fleet.h"
#include "tests/support/await.h"
#include "tests/support/capture_log_sink.h"
#include "tests/support/sc/sc_rig.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tcp_cut.h"

namespace tidemark::network {
namespace {

using support::WaitFor;

constexpr int kPartitionsPerSpu = 50;
constexpr int kTopics = 20;
constexpr base::Duration kLease = std::chrono::seconds(3);
constexpr base::Duration kBound = kLease + std::chrono::seconds(2);
constexpr base::Duration kNever = std::chrono::minutes(5);

int FromEnvironment(const char* name, int otherwise) {
  const char* given = std::getenv(name);
  return given != nullptr ? std::atoi(given) : otherwise;
}

sc::ScOptions ControllerOptions(const std::string& data_directory) {
  sc::ScOptions options = support::ScRig::Options(data_directory);
  options.lease = kLease;
  options.heartbeat = std::chrono::seconds(1);
  return options;
}

class StormTest : public testing::Test {
 protected:
  struct Shown {
    int right = 0;
    std::string wrong;  // one that is not
  };

  void SetUp() override {
    daemon::SetUpProcess();  // a thousand sockets
    const std::string target = controller_.grpc_target();
    const auto port = static_cast<std::uint16_t>(std::stoi(target.substr(target.rfind(':') + 1)));
    ASSERT_OK_AND_ASSIGN(wire_, support::TcpCut::Create(port));
    fleet_ = std::make_unique<Fleet>(spus_, wire_->address());
    fleet_->Start();
    ASSERT_TRUE(WaitFor([&] { return fleet_->Synced() == spus_; }, kNever, "the fleet to attach"));
    base::Duration slowest{0};
    for (int topic = 0; topic < kTopics; ++topic) {
      const base::MonotonicTime begun = clock_.Now();
      sc::v1::CreateTopicRequest request;
      request.set_name(absl::StrFormat("topic-%02d", topic));
      request.set_partitions(spus_ * kPartitionsPerSpu / kTopics);
      ASSERT_OK(admin_.CreateTopic(request));
      slowest = std::max(slowest, clock_.Now() - begun);
    }
    std::printf("%d topics of %d partitions on %d volumes, the slowest created in %lld ms\n",
                kTopics, spus_ * kPartitionsPerSpu / kTopics, 2 * spus_,
                static_cast<long long>(slowest / std::chrono::milliseconds(1)));
    fleet_->FillSecondVolumes();
    ASSERT_TRUE(AwaitAll());
    follower_ = std::jthread([this](const std::stop_token& stop) { Follow(stop); });
  }

  void TearDown() override {
    follower_.request_stop();
    if (follower_.joinable()) follower_.join();
    fleet_.reset();
    wire_.reset();
    controller_.Stop();
  }

  bool IsFull(const sc::v1::Partition& partition) const {
    return fleet_->full_volumes().contains(partition.volume());
  }

  // Cheap, on the controller's loop: every volume is Up.
  int VolumesUp() {
    std::ptrdiff_t up = 0;
    controller_.loop().Run([&] {
      up = std::ranges::count_if(
          controller_.process().controller().core().volumes(),
          [](const auto& volume) { return volume.second.reach == sc::v1::REACH_UP; });
    });
    return static_cast<int>(up);
  }

  // As a client sees them; up to the first topic in which one is not right.
  Shown Show() {
    Shown shown;
    for (int topic = 0; topic < kTopics && shown.wrong.empty(); ++topic) {
      const auto listed = admin_.ListPartitions(absl::StrFormat("topic-%02d", topic));
      if (!listed.ok()) return {.right = 0, .wrong = std::string(listed.status().message())};
      for (const sc::v1::Partition& partition : listed->partitions()) {
        const auto wanted = IsFull(partition) ? sc::v1::PARTITION_STATUS_OUT_OF_SPACE
                                              : sc::v1::PARTITION_STATUS_ONLINE;
        if (partition.status() == wanted && partition.reachable()) {
          ++shown.right;
        } else if (shown.wrong.empty()) {
          shown.wrong = partition.ShortDebugString();
        }
      }
    }
    return shown;
  }

  testing::AssertionResult AwaitAll() {
    const auto synced =
        WaitFor([&] { return VolumesUp() == 2 * spus_ && fleet_->Synced() == spus_; }, kNever,
                "every volume to be Up and every report acknowledged");
    if (!synced) return synced;
    Shown shown;
    const auto right = WaitFor(
        [&] {
          shown = Show();
          return shown.right == spus_ * kPartitionsPerSpu;
        },
        kNever, "every partition to be shown as it is");
    return right ? right : testing::AssertionFailure() << right.message() << ": " << shown.wrong;
  }

  // What a watching client is told; it must never hear that a full volume is anything else.
  void Follow(const std::stop_token& stop) {
    const auto ended =
        admin_.WatchPartitions("", stop, [this](const sc::v1::WatchPartitionsResponse& changes) {
          for (const auto& partition : changes.partitions()) {
            ++followed_;
            if (IsFull(partition) && partition.status() != sc::v1::PARTITION_STATUS_OUT_OF_SPACE) {
              base::MutexLock lock(mutex_);
              wrong_.push_back(partition.ShortDebugString());
            }
          }
          return true;
        });
    if (!ended.ok()) {
      base::MutexLock lock(mutex_);
      wrong_.emplace_back(ended.message());
    }
  }

  void ExpectNothingWrong() {
    EXPECT_EQ(absl::StrJoin(fleet_->Complaints(), "\n"), "");
    base::MutexLock lock(mutex_);
    EXPECT_TRUE(wrong_.empty()) << wrong_.size() << " sightings, the first: " << wrong_.front();
  }

  // Why links ended since the last call, counted.
  std::string Endings() {
    std::map<std::string, int> counts;
    const auto lines = log_.lines();
    for (; lines_read_ < lines.size(); ++lines_read_) {
      const std::string& line = lines[lines_read_];
      const bool ended = line.find("link.closing") != std::string::npos ||
                         line.find("link.lost") != std::string::npos;
      if (ended) ++counts[line.substr(0, 5) + line.substr(line.find("why="))];
    }
    std::string text;
    for (const auto& [why, count] : counts) absl::StrAppendFormat(&text, "\n  %4d %s", count, why);
    return text;
  }

  // From `begun` on until everything is right again.
  void MeasureConvergence(const char* name, base::MonotonicTime begun, std::uint64_t connects) {
    ASSERT_TRUE(AwaitAll()) << name;
    const auto took_ms = (clock_.Now() - begun) / std::chrono::milliseconds(1);
    std::printf("%-8s %3d SPUs, %5d partitions: right again after %5lld ms, %llu connects%s\n",
                name, spus_, spus_ * kPartitionsPerSpu, static_cast<long long>(took_ms),
                static_cast<unsigned long long>(fleet_->Connects() - connects), Endings().c_str());
    slowest_ms_ = std::max<std::int64_t>(slowest_ms_, took_ms);
  }

  std::uint64_t Count() const { return static_cast<std::uint64_t>(spus_); }

  support::CaptureLogSink log_;  // thousands of lines
  const int spus_ = FromEnvironment("TIDEMARK_STORM_SPUS", 200);
  const base::SystemClock clock_{};
  support::TempDirectory root_;
  support::ScRig controller_{ControllerOptions(root_.File("sc"))};
  client::ControllerClient admin_{controller_.grpc_target(), kNever};
  std::unique_ptr<support::TcpCut> wire_;
  std::unique_ptr<Fleet> fleet_;
  std::int64_t slowest_ms_ = 0;
  std::size_t lines_read_ = 0;
  std::atomic<std::int64_t> followed_ = 0;
  base::Mutex mutex_;
  std::vector<std::string> wrong_ TM_GUARDED_BY(mutex_);
  std::jthread follower_;
};

TEST_F(StormTest, EverySpuComesBackAtOnceAndEveryStatusIsRightAgain) {
  const int rounds = FromEnvironment("TIDEMARK_STORM_ROUNDS", 2);
  for (int round = 0; round < rounds && !HasFatalFailure(); ++round) {
    // Refused until the wire is back: the back-offs have grown.
    std::uint64_t connects = fleet_->Connects();
    wire_->Cut();
    ASSERT_TRUE(WaitFor([&] { return fleet_->Attached() == 0 && VolumesUp() == 0; }, kNever,
                        "both sides to notice"));
    ASSERT_TRUE(WaitFor([&] { return fleet_->Connects() - connects > 5 * Count(); }, kNever,
                        "every SPU to try a few times"));
    connects = fleet_->Connects();
    base::MonotonicTime begun = clock_.Now();
    wire_->Restore();
    MeasureConvergence("cut", begun, connects);

    // All within their first back-off of 50 ms.
    connects = fleet_->Connects();
    begun = clock_.Now();
    wire_->Reset();
    ASSERT_TRUE(WaitFor([&] { return fleet_->Connects() - connects >= Count(); }, kNever,
                        "every SPU to come back"));
    MeasureConvergence("reset", begun, connects);

    // Nobody is told: every lease runs out first.
    connects = fleet_->Connects();
    begun = clock_.Now();
    wire_->Forget();
    ASSERT_TRUE(WaitFor([&] { return fleet_->Connects() - connects >= Count(); }, kNever,
                        "every SPU to come back"));
    MeasureConvergence("forget", begun, connects);
  }
  ExpectNothingWrong();
  std::printf("slowest %lld ms, bound %lld ms; a watching client was told %lld changes\n",
              static_cast<long long>(slowest_ms_),
              static_cast<long long>(kBound / std::chrono::milliseconds(1)),
              static_cast<long long>(followed_.load()));
  RecordProperty("slowest_ms", std::to_string(slowest_ms_));
  // A machine that has something else to do may take longer: the bound is for whoever asks.
  if (FromEnvironment("TIDEMARK_STORM_STRICT", 0) != 0) {
    EXPECT_LE(slowest_ms_, kBound / std::chrono::milliseconds(1));
  }
}

}  // namespace
}  // namespace tidemark::network
