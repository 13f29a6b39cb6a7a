// Reads one partition over one stream, within credits, and checks every batch's CRC.
//
//   auto consumer = Consumer::Open("127.0.0.1:7201", {.partition_id = 7, .until_end = true});
//   while (true) {
//     auto event = (*consumer)->Next(10s);
//     …
//   }
//
// Lifetime:  the destructor cancels the stream.
// Threading: one reader at a time; Cancel from any thread.
// Errors:    Next → kDataLoss for a bad batch or a gap in the offsets, kOutOfRange for an offset
//            outside the log, kDeadlineExceeded if nothing came, otherwise what ended the stream.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "tidemark/log/v1/log.pb.h"

namespace tidemark::client {

// Where to begin.
struct StartAt {
  enum class Kind : std::uint8_t { kEarliest, kLatest, kOffset, kTime };
  Kind kind = Kind::kEarliest;
  std::int64_t value = 0;  // an offset, or milliseconds since the epoch

  bool operator==(const StartAt&) const = default;
};

struct ConsumerOptions {
  std::uint64_t partition_id = 0;
  StartAt from;
  log::v1::Isolation isolation = log::v1::ISOLATION_DURABLE;
  // End at the end of the log instead of following it.
  bool until_end = false;
  // Bytes the server may be ahead of us.
  std::int64_t credit_bytes = 4 * 1024 * 1024;
  base::Duration connect_deadline = std::chrono::seconds(10);
  // Called from another thread whenever Next has something new. Optional.
  std::function<void()> on_ready;
};

struct IncomingRecord {
  std::int64_t offset = 0;
  base::WallMillis timestamp = 0;
  std::optional<std::string> key;
  std::string value;
};

// Records, or the news that there are no more for now, or the end (until_end).
struct ConsumerEvent {
  enum class Kind : std::uint8_t { kRecords, kCaughtUp, kEnd };
  Kind kind = Kind::kRecords;
  std::vector<IncomingRecord> records;
  std::int64_t next_offset = 0;
  std::int64_t durable_end = 0;
};

class Consumer {
 public:
  static absl::StatusOr<std::unique_ptr<Consumer>> Open(const std::string& endpoint,
                                                        const ConsumerOptions& options);
  ~Consumer();

  // Returns the credits of the event before. Deadline 0: only what is there already.
  absl::StatusOr<ConsumerEvent> Next(base::Duration deadline);

  // Where the log begins and ends, and where we began, when the stream was opened.
  const log::v1::ConsumeStarted& started() const;

  void Cancel();

 private:
  class Stream;
  explicit Consumer(std::unique_ptr<Stream> stream);
  std::unique_ptr<Stream> stream_;
};

}  // namespace tidemark::client
