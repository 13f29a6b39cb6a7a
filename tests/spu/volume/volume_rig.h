// One real Volume on a small real filesystem, behind a disk that fails on demand, on a loop of its
// own. The settle time is short, everything else is as in the product.
//
// Lifetime:  Open() … Close() or Kill(), as often as wanted, on the same directory.
// Threading: used from the test's thread; everything of the volume runs on the loop.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "monitor/volume_format.h"
#include "spu/volume/volume_set.h"
#include "spu/volume/volume_view.h"
#include "storage/codec/batch_codec.h"
#include "storage/fs/posix_file_system.h"
#include "tests/support/await.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/foreign_filler.h"
#include "tests/support/leaping_clock.h"
#include "tests/support/loop_thread.h"
#include "tests/support/sample_batch.h"
#include "tests/support/small_volume.h"
#include "tests/support/status_matchers.h"

namespace tidemark::spu {

// The partition of a test that needs only one.
inline constexpr std::uint64_t kPartition = 1;

class VolumeRig : private VolumeListener {
 public:
  explicit VolumeRig(support::SmallVolume::Options options = {
                         .kind = support::SmallVolume::Kind::kTmpfs,
                         .size_bytes = 64 * base::kMiB}) {
    auto volume = support::SmallVolume::Create(options);
    if (!volume.ok()) {
      unavailable_ = std::string(volume.status().message());
      return;
    }
    small_ = *std::move(volume);
    auto marker = monitor::FormatVolume(posix_, small_->path(), {}, clock_);
    if (!marker.ok()) unavailable_ = std::string(marker.status().message());
  }
  ~VolumeRig() override { Kill(); }

  // Why this machine cannot run it; empty if it can.
  const std::string& unavailable() const { return unavailable_; }
  support::FaultyFileSystem& disk() { return disk_; }
  const std::string& path() const { return small_->path(); }
  support::SmallVolume& small() { return *small_; }
  VolumeOptions& options() { return options_; }
  VolumeSet& volumes() { return volumes_; }
  support::LoopThread& loop() { return *loop_; }
  // Told on the loop of what the volume tells its owner.
  void OnChanged(std::function<void(const base::Uuid&)> listen) { listen_ = std::move(listen); }
  support::LeapingClock& clock() { return clock_; }

  // Returns when the volume has started.
  absl::Status Open() {
    auto opened = VolumeDisk::Open(disk_, clock_, small_->path());
    if (!opened.ok()) return opened.status();
    loop_ = std::make_unique<support::LoopThread>();
    std::promise<absl::Status> started;
    loop_->Run([&] {
      volumes_.Add(std::make_unique<Volume>(**loop_, clock_, *std::move(opened), options_,
                                            static_cast<VolumeListener&>(*this)));
      volume_ = volumes_.all().front().get();
      volume_->Start([&started](const absl::Status& status) { started.set_value(status); });
    });
    return started.get_future().get();
  }

  // As SIGTERM does.
  void Close() {
    std::promise<void> stopped;
    loop_->Run([&] { volume_->Stop([&] { stopped.set_value(); }); });
    stopped.get_future().wait();
    Kill();
  }

  // Nothing is said to the disk any more.
  void Kill() {
    if (loop_ == nullptr) return;
    disk_.Release();
    loop_->Run([&] {
      volume_ = nullptr;
      volumes_.Clear();
    });
    loop_.reset();
  }

  template <typename Result>
  Result OnLoop(std::function<Result(Volume&)> ask) {
    std::optional<Result> result;
    loop_->Run([&] { result.emplace(ask(*volume_)); });
    return *std::move(result);
  }

  bool accepting() {
    return OnLoop<bool>([](Volume& volume) { return volume.accepting(); });
  }
  monitor::HoldSet holds() {
    return OnLoop<monitor::HoldSet>([](Volume& volume) { return volume.State().holds; });
  }
  std::optional<monitor::DeviceHold> device_fault() {
    return OnLoop<std::optional<monitor::DeviceHold>>(
        [](Volume& volume) { return volume.State().device_fault; });
  }
  monitor::VerdictRecord durable() {
    return OnLoop<monitor::VerdictRecord>([](Volume& volume) {
      return volume.durable() != nullptr ? *volume.durable() : monitor::VerdictRecord{};
    });
  }
  tidemark::space::v1::Explanation explanation() {
    return OnLoop<tidemark::space::v1::Explanation>(
        [](Volume& volume) { return ExplanationMessage(volume); });
  }
  testing::AssertionResult AwaitAccepting(bool wanted) {
    return support::WaitFor([&] { return accepting() == wanted; }, support::kLongWait,
                            wanted ? "the gate to open" : "the gate to close");
  }

  tidemark::sc::v1::AssignmentResult Assign(std::uint64_t id,
                                            const tidemark::sc::v1::TopicPolicy& policy = {}) {
    std::promise<tidemark::sc::v1::AssignmentResult> promise;
    loop_->Run([&] {
      PartitionSpec spec;
      spec.state.id = base::PartitionId(id);
      spec.state.topic = "orders";
      spec.state.index = static_cast<std::uint32_t>(id);
      spec.policy = policy;
      volume_->Assign(spec, [&](auto result) { promise.set_value(std::move(result)); });
    });
    return promise.get_future().get();
  }

  absl::Status Delete(std::uint64_t id) {
    std::promise<absl::Status> promise;
    loop_->Run([&] {
      volume_->Delete(base::PartitionId(id), [&](absl::Status s) { promise.set_value(s); });
    });
    return promise.get_future().get();
  }

  std::future<AppendResult> AppendAsync(std::uint64_t id, const storage::Buffer& batch,
                                        Acks acks = Acks::kDurable) {
    auto promise = std::make_shared<std::promise<AppendResult>>();
    auto header = storage::CheckArrivedBatch(batch.bytes(), {});
    EXPECT_OK(header);
    loop_->Run([&] {
      volume_->Append({base::PartitionId(id), acks, *header, batch,
                       [promise](AppendResult result) { promise->set_value(std::move(result)); }});
    });
    return promise->get_future();
  }
  AppendResult Append(std::uint64_t id, const support::SampleBatch& sample) {
    return AppendAsync(id, support::MakeBatch(sample)).get();
  }

  TrimResult Trim(std::uint64_t id, base::Offset before) {
    std::promise<TrimResult> promise;
    loop_->Run([&] {
      volume_->Find(base::PartitionId(id))->Trim(before, [&](TrimResult result) {
        promise.set_value(std::move(result));
      });
    });
    return promise.get_future().get();
  }

  // Every record's value of the partition from its log start, in order.
  std::vector<std::string> ReadAll(std::uint64_t id);

  // Appends batches of 64 KiB until one is refused; how many records were acknowledged.
  struct Filled {
    std::int64_t acknowledged = 0;
    Refusal refusal;
  };
  Filled Fill(std::uint64_t id);

 private:
  void OnVolumeChanged(const base::Uuid& volume) override {
    if (listen_) listen_(volume);
  }

  std::string unavailable_;
  support::LeapingClock clock_;
  storage::PosixFileSystem posix_;
  support::FaultyFileSystem disk_{posix_};
  std::unique_ptr<support::SmallVolume> small_;
  VolumeOptions options_{.settle = std::chrono::milliseconds(30),
                         .reclaim_pause = std::chrono::milliseconds(50)};
  std::unique_ptr<support::LoopThread> loop_;
  VolumeSet volumes_;
  Volume* volume_ = nullptr;
  std::function<void(const base::Uuid&)> listen_;
};

}  // namespace tidemark::spu
