// Real volumes on small real filesystems and the book that hands out to them what the SC assigns,
// on a loop of their own. Each volume has a disk that fails on demand.
//
// Lifetime:  Open() … Kill(), as often as wanted, on the same directories.
// Threading: used from the test's thread; volumes and book run on the loop.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "spu/assignment_book.h"
#include "spu/volume/volume_set.h"
#include "storage/fs/posix_file_system.h"
#include "tests/support/await.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/loop_thread.h"
#include "tests/support/sample_batch.h"
#include "tests/support/small_volume.h"
#include "tests/support/status_matchers.h"

namespace tidemark::spu {

// The partition of a test that assigns only one.
inline constexpr std::uint64_t kBooked = 7;

class BookRig : private VolumeListener {
 public:
  explicit BookRig(std::size_t volumes = 2);
  ~BookRig() override { Kill(); }

  // Why this machine cannot run it; empty if it can.
  const std::string& unavailable() const { return unavailable_; }
  VolumeOptions& options() { return options_; }
  // Before Open(). False: a volume was configured that is not here.
  void set_volumes_complete(bool complete) { volumes_complete_ = complete; }
  support::FaultyFileSystem& disk(std::size_t volume) { return *disks_[volume]; }
  const std::string& path(std::size_t volume) const { return small_[volume]->path(); }

  // Opens the volumes and lets them start; AwaitAccepting() waits.
  absl::Status Open();
  // Nothing is said to the disks any more, and they fail no more.
  void Kill();

  template <typename Result>
  Result OnLoop(std::function<Result(VolumeSet&)> ask) {
    std::optional<Result> result;
    loop_->Run([&] { result.emplace(ask(volumes_)); });
    return *std::move(result);
  }
  template <typename Result>
  Result Of(std::size_t volume, std::function<Result(Volume&)> ask) {
    return OnLoop<Result>([&](VolumeSet& set) { return ask(*set.all()[volume]); });
  }
  testing::AssertionResult AwaitAccepting(std::size_t volume);

  // A list that names these, as the SC sends it. Assigned to a volume of the rig.
  tidemark::sc::v1::Assignment Assignment(std::uint64_t id, std::size_t volume,
                                          const tidemark::sc::v1::TopicPolicy& policy = {}) const;
  static tidemark::sc::v1::Assignments Full(std::vector<tidemark::sc::v1::Assignment> assignments);
  static tidemark::sc::v1::Assignments Tombstone(std::uint64_t id);
  // Handed to the book; the lists follow each other without anything between them.
  void Send(std::vector<tidemark::sc::v1::Assignments> lists);
  // The newest result that was told of the partition; waits for one.
  tidemark::sc::v1::AssignmentResult AwaitResult(std::uint64_t id);
  // The same, but not before it is `ok`.
  testing::AssertionResult AwaitOk(std::uint64_t id);
  // All that was told, in its order: "ack <id>" of what succeeded, "lost <id>" in a report.
  std::vector<std::string> Told();
  // Of the newest list that was answered as a whole since Open(); 0: none.
  std::uint64_t AnsweredVersion();

  AppendResult Append(std::uint64_t id, const support::SampleBatch& sample);
  // So many batches of 64 KiB, each acknowledged.
  void Fill(std::uint64_t id, int batches);

 private:
  void OnVolumeChanged(const base::Uuid& volume) override;
  void OnAck(const tidemark::sc::v1::AssignmentsAck& ack);

  std::string unavailable_;
  base::SystemClock clock_;
  storage::PosixFileSystem posix_;
  std::vector<std::unique_ptr<support::SmallVolume>> small_;
  std::vector<std::unique_ptr<support::FaultyFileSystem>> disks_;
  std::vector<base::Uuid> uuids_;
  VolumeOptions options_{.settle = std::chrono::milliseconds(30),
                         .reclaim_pause = std::chrono::milliseconds(50)};
  bool volumes_complete_ = true;
  std::vector<std::weak_ptr<VolumeDisk>> in_use_;
  std::unique_ptr<support::LoopThread> loop_;
  // On the loop:
  VolumeSet volumes_;
  std::unique_ptr<AssignmentBook> book_;
  std::map<std::uint64_t, tidemark::sc::v1::AssignmentResult> results_;
  std::vector<std::string> told_;
  std::uint64_t answered_version_ = 0;
};

}  // namespace tidemark::spu
