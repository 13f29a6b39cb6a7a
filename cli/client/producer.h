// Sends records to the partitions of one SPU over one pipelined stream.
//
// Batching has no timer: a record goes out at once if the partition's pipeline has a free place;
// while it has none, records gather into the next batch. So a slow sync makes large batches and an
// idle log gives the lowest latency.
//
//   auto producer = Producer::Connect("127.0.0.1:7201", options, on_outcome);
//   producer->Append(partition_id, {.value = value}, tag);
//   producer->Flush(10s);
//
// Every tag comes back exactly once, in an Outcome. After a broken stream the outcome of what was
// unanswered is kUnavailable and *unknown*: it may be in the log.
//
// Lifetime:  the destructor cancels the stream; Flush first.
// Threading: Append and Flush from any thread; they may block. Callbacks come from one thread of
//            the producer and must not call Append or Flush.
// Errors:    Append → kInvalidArgument for a record above the server's batch limit, otherwise what
//            ended the stream.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "tidemark/log/v1/log.pb.h"

namespace tidemark::client {

struct ProducerOptions {
  log::v1::Acks acks = log::v1::ACKS_DURABLE;
  std::string client = "tidemark";
  // A batch is sealed when it is this large.
  std::int64_t batch_bytes = 128 * 1024;
  // Batches of one partition that may be unanswered at a time.
  int pipeline_depth = 4;
  // Keep what was refused for a reason that passes (no space, held, blind) and send it again when
  // the server says so. Reasons that pass within moments (no step yet, overloaded) are always
  // retried.
  bool wait_when_refused = false;
  base::Duration connect_deadline = std::chrono::seconds(10);
};

struct OutgoingRecord {
  std::optional<std::string_view> key;
  std::string_view value;
  base::WallMillis timestamp = 0;
};

// What became of one batch.
struct Outcome {
  std::uint64_t partition_id = 0;
  std::vector<std::uint64_t> tags;  // of its records, in order
  absl::Status status;              // OK: acknowledged, as `acks` asked
  std::int64_t base_offset = -1;
  std::int64_t durable_end = 0;
  std::int64_t bytes = 0;
  std::optional<log::v1::Refusal> refusal;
};

struct ProducerCallbacks {
  std::function<void(const Outcome&)> on_outcome;
  // A partition stopped, or goes on. Optional.
  std::function<void(const log::v1::PartitionNotice&)> on_notice;
};

class Producer {
 public:
  static absl::StatusOr<std::unique_ptr<Producer>> Connect(const std::string& endpoint,
                                                           const ProducerOptions& options,
                                                           ProducerCallbacks callbacks);
  ~Producer();

  // Whether Append takes a value of so many bytes.
  absl::Status CheckSize(std::int64_t value_bytes) const;

  // Copies the record. Blocks while the partition's next batch is full and the pipeline too.
  absl::Status Append(std::uint64_t partition_id, const OutgoingRecord& record, std::uint64_t tag);

  // Waits until everything appended before has its outcome. kDeadlineExceeded with what is left.
  absl::Status Flush(base::Duration deadline);

  // Ends the stream: what is unanswered gets its outcome, Append fails from now on.
  void Cancel();

 private:
  class Stream;
  explicit Producer(std::unique_ptr<Stream> stream);
  std::unique_ptr<Stream> stream_;
};

}  // namespace tidemark::client
