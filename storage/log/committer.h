// The seam between deciding an append and making it durable.
//
// The loop builds jobs, a Committer executes them in the order given and answers. The one here is
// the simplest: write, then fdatasync each file once. A journal can take its place.
//
// Lifetime:  a job holds its files open and its buffers alive until it is done.
// Threading: RunCommit: any thread, but one at a time per file. Committer: see its implementation;
//            the callbacks come on its own thread, on_written first.
// Errors:    CommitResult::failure. Any failure leaves it unknown what is on disk: nothing of the
//            job may be acknowledged, nothing behind it may be tried, a restart recovers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "storage/codec/buffer.h"
#include "storage/fs/file_system.h"

namespace tidemark::storage {

// One batch on its way to its segment.
struct CommitWrite {
  base::PartitionId partition;
  std::shared_ptr<File> file;
  base::FilePosition position;
  Buffer header;            // 64 bytes, stamped
  Buffer body;              // the rest of the batch, as it arrived
  base::Offset end_offset;  // of the log, once this is there

  std::int64_t size_bytes() const { return static_cast<std::int64_t>(header.size() + body.size()); }
};

struct CommitJob {
  std::vector<CommitWrite> writes;  // in the order they were admitted
  bool sync = true;
};

struct CommitFailure {
  enum class Operation : std::uint8_t { kWrite, kSync };
  Operation operation = Operation::kWrite;
  std::string path;
  base::PartitionId partition;
  absl::Status status;
};

struct CommitResult {
  std::optional<CommitFailure> failure;
  std::int64_t bytes_written = 0;
  base::Duration took{0};  // filled in by who runs it
  bool ok() const { return !failure.has_value(); }
};

using CommitCallback = std::function<void(const CommitResult&)>;

class Committer {
 public:
  virtual ~Committer() = default;
  // Jobs are executed one after the other, in the order submitted. `on_synced` always comes, also
  // after a failed write; `on_written` may be empty.
  virtual void Submit(CommitJob job, CommitCallback on_written, CommitCallback on_synced) = 0;
};

// All writes (neighbours in one call), `on_written`, then one fdatasync per file. Stops at the
// first failure.
CommitResult RunCommit(const CommitJob& job, const CommitCallback& on_written = {});

}  // namespace tidemark::storage
