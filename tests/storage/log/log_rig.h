// A partition log with everything around it done at once, on the calling thread.
//
// Lifetime:  borrows the file system and the directory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "storage/codec/record_reader.h"
#include "storage/log/partition_directory.h"
#include "storage/log/partition_log.h"
#include "tests/support/sample_batch.h"
#include "tests/support/status_matchers.h"

namespace tidemark::storage {

class LogRig {
 public:
  static constexpr base::PartitionId kId{0x2a};

  LogRig(FileSystem& file_system, std::string partitions, LogOptions options)
      : file_system_(file_system), partitions_(std::move(partitions)), options_(options) {}

  std::string directory() const { return PartitionPath(partitions_, kId); }
  std::string SegmentPath(base::Offset base) const;

  absl::Status Create() {
    return CreatePartition(file_system_, partitions_, {.id = kId, .topic = "orders", .index = 3});
  }
  absl::Status Open();
  // Forgets everything in memory, as a kill does, and opens again.
  absl::Status Reopen() {
    log_.reset();
    return Open();
  }
  // Marks a clean stop.
  absl::Status Stop();

  PartitionLog& log() { return *log_; }
  const RecoveredPartition& recovered() const { return recovered_; }
  Moment now() const { return now_; }
  void Advance(base::Duration by) {
    now_.monotonic = now_.monotonic + by;
    now_.wall += std::chrono::duration_cast<std::chrono::milliseconds>(by).count();
  }

  // Takes the steps it needs. Admitted only, or with its commit done.
  Admission Admit(const Buffer& batch);
  absl::StatusOr<base::Offset> Append(const support::SampleBatch& sample);
  absl::StatusOr<base::Offset> AppendBatch(const Buffer& batch);
  // Runs what the log wants done: steps ahead, seals. Returns how many steps were taken.
  int DoWork();

  absl::StatusOr<TrimResult> Trim(base::Offset before);
  absl::StatusOr<TrimResult> Run(const TrimPlan& plan);
  // All values from `from` to the end.
  absl::StatusOr<std::vector<std::string>> Values(base::Offset from,
                                                  Isolation isolation = Isolation::kDurable,
                                                  std::int64_t bytes_max = 1 << 20);
  absl::StatusOr<std::optional<TimedOffset>> OffsetForTime(base::WallMillis timestamp);

 private:
  FileSystem& file_system_;
  std::string partitions_;
  LogOptions options_;
  RecoveredPartition recovered_;
  std::unique_ptr<PartitionLog> log_;
  Moment now_{base::MonotonicTime(std::chrono::hours(1)), 1'790'000'000'000};
};

}  // namespace tidemark::storage
