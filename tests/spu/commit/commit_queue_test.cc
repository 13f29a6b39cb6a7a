#include "spu/commit/commit_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spu/commit/commit_thread.h"
#include "storage/fs/posix_file_system.h"
#include "tests/support/await.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/loop_thread.h"
#include "tests/support/sample_batch.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace tidemark::spu {
namespace {

using testing::ElementsAre;

// Holds every job until told how it went.
class HeldCommitter final : public storage::Committer {
 public:
  void Submit(storage::CommitJob job, storage::CommitCallback on_written,
              storage::CommitCallback on_synced) override {
    jobs.push_back({std::move(job), std::move(on_written), std::move(on_synced)});
  }
  void Finish(const storage::CommitResult& result = {}) {
    auto job = std::move(jobs.front());
    jobs.pop_front();
    job.on_written(result);
    job.on_synced(result);
  }
  struct Held {
    storage::CommitJob job;
    storage::CommitCallback on_written;
    storage::CommitCallback on_synced;
  };
  std::deque<Held> jobs;
};

class Story final : public CommitListener {
 public:
  void OnWritten(base::PartitionId p, base::Offset end) override {
    lines.push_back(absl::StrFormat("written %d to %d", p.value(), end.value()));
  }
  void OnDurable(base::PartitionId p, base::Offset end) override {
    lines.push_back(absl::StrFormat("durable %d to %d", p.value(), end.value()));
  }
  void OnCommitFailed(const storage::CommitFailure& failure,
                      const std::vector<base::PartitionId>& partitions) override {
    std::string line = "failed";
    for (const auto p : partitions) line += absl::StrFormat(" %d", p.value());
    lines.push_back(line + ": " + std::string(failure.status.message()));
  }
  std::vector<std::string> lines;
};

storage::CommitWrite WriteOf(std::uint64_t partition, std::int64_t end) {
  storage::CommitWrite write;
  write.partition = base::PartitionId(partition);
  write.end_offset = base::Offset(end);
  write.body = storage::Buffer::Take(std::string(100, 'x'));
  return write;
}

TEST(CommitQueueTest, WhatArrivesWhileACommitIsInFlightFormsTheNextOne) {
  HeldCommitter committer;
  Story story;
  CommitQueue queue(committer, story);
  queue.Enqueue(WriteOf(1, 1));
  queue.Enqueue(WriteOf(1, 2));
  queue.Enqueue(WriteOf(2, 1));
  ASSERT_EQ(committer.jobs.size(), 1u);
  EXPECT_EQ(committer.jobs.front().job.writes.size(), 1u);
  EXPECT_EQ(queue.bytes(), 300);
  committer.Finish();
  ASSERT_EQ(committer.jobs.size(), 1u);
  EXPECT_EQ(committer.jobs.front().job.writes.size(), 2u);
  committer.Finish();
  EXPECT_TRUE(queue.idle());
  EXPECT_THAT(story.lines, ElementsAre("written 1 to 1", "durable 1 to 1", "written 1 to 2",
                                       "written 2 to 1", "durable 1 to 2", "durable 2 to 1"));
}

TEST(CommitQueueTest, AFailureFailsEverythingBehindItAndNothingMoreIsTried) {
  HeldCommitter committer;
  Story story;
  CommitQueue queue(committer, story);
  queue.Enqueue(WriteOf(1, 1));
  queue.Enqueue(WriteOf(2, 1));
  storage::CommitResult result;
  result.failure = storage::CommitFailure{storage::CommitFailure::Operation::kSync, "f",
                                          base::PartitionId(1), absl::UnavailableError("EIO")};
  committer.Finish(result);
  EXPECT_THAT(story.lines, ElementsAre("failed 1 2: EIO"));
  EXPECT_TRUE(committer.jobs.empty());
  EXPECT_TRUE(queue.failed());
}

// Real files, a real thread: also under ThreadSanitizer.
TEST(CommitThreadTest, WritesAndSyncsOffTheLoopAndAnswersOnIt) {
  support::TempDirectory directory;
  storage::PosixFileSystem file_system;
  ASSERT_OK_AND_ASSIGN(std::shared_ptr<storage::File> file,
                       file_system.Open(directory.path() + "/f", storage::OpenMode::kCreate));
  support::LoopThread loop;
  Story story;
  std::optional<CommitThread> thread;
  std::optional<CommitQueue> queue;
  loop.Run([&] {
    thread.emplace(*loop, "commit");
    queue.emplace(*thread, story);
  });
  constexpr int kWrites = 200;
  for (int i = 0; i < kWrites; ++i) {
    loop.Run([&] {
      storage::CommitWrite write = WriteOf(1, i + 1);
      write.file = file;
      write.position = base::FilePosition(i * 100);
      queue->Enqueue(std::move(write));
    });
  }
  const auto idle = [&] {
    bool is_idle = false;
    loop.Run([&] { is_idle = queue->idle(); });
    return is_idle;
  };
  ASSERT_TRUE(support::WaitFor(idle, support::kLongWait, "all commits"));
  loop.Run([&] {
    EXPECT_EQ(story.lines.back(), "durable 1 to 200");
    queue.reset();
    thread.reset();
  });
  ASSERT_OK_AND_ASSIGN(const storage::FileStat stat, file->Stat());
  EXPECT_EQ(stat.size, kWrites * 100);
}

}  // namespace
}  // namespace tidemark::spu
