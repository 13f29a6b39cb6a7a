// What the RPC services may ask of the partitions on this SPU.
//
// The seam between the wire and the loop: services know nothing of volumes, verdicts or files, and
// tests put a fake here.
//
// Threading: every call and every callback on the loop. A callback may come inside the call.
// Errors:    a typed Refusal with the numbers; nothing is partly applied.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/ids.h"
#include "spu/refusal.h"
#include "storage/codec/batch.h"
#include "storage/codec/buffer.h"
#include "tidemark/log/v1/log.pb.h"

namespace tidemark::spu {

// Stays in force while it lives.
class Subscription {
 public:
  Subscription() = default;
  explicit Subscription(absl::AnyInvocable<void()> cancel)
      : cancel_(std::make_unique<absl::AnyInvocable<void()>>(std::move(cancel))) {}
  Subscription(Subscription&&) = default;
  Subscription& operator=(Subscription&& other) noexcept {
    Cancel();
    cancel_ = std::move(other.cancel_);
    return *this;
  }
  ~Subscription() { Cancel(); }
  void Cancel() {
    if (auto cancel = std::move(cancel_); cancel != nullptr) (*cancel)();
  }

 private:
  std::unique_ptr<absl::AnyInvocable<void()>> cancel_;
};

enum class Acks : std::uint8_t { kDurable, kWritten };
enum class Isolation : std::uint8_t { kDurable, kWritten };

struct AppendResult {
  base::Offset base_offset{-1};
  std::uint32_t records = 0;
  base::Offset durable_end;
  std::optional<Refusal> refusal;
};

struct AppendCommand {
  base::PartitionId partition;
  Acks acks = Acks::kDurable;
  storage::BatchHeader header;  // of `batch`, already checked
  storage::Buffer batch;
  absl::AnyInvocable<void(AppendResult)> done;  // exactly once
};

struct ReadResult {
  storage::Buffer records;  // whole batches; empty at the end of the log
  base::Offset next;        // where to go on
  base::Offset durable_end;
  base::Offset log_start;
  std::optional<Refusal> refusal;
};

struct ReadCommand {
  base::PartitionId partition;
  base::Offset from;
  std::int64_t bytes_max = 0;
  Isolation isolation = Isolation::kDurable;
  absl::AnyInvocable<void(ReadResult)> done;  // exactly once
};

struct Offsets {
  base::Offset log_start;
  base::Offset durable_end;
  base::Offset written_end;
};

struct TrimResult {
  base::Offset log_start;
  std::int64_t freed_bytes = 0;
  std::optional<Refusal> refusal;
};

class PartitionHost {
 public:
  virtual ~PartitionHost() = default;

  virtual storage::BatchLimits LimitsOf(base::PartitionId partition) const = 0;
  virtual void Append(AppendCommand command) = 0;
  // What was refused before it came here: to be counted like the rest.
  virtual void OnAppendRefused(const Refusal& refusal) = 0;
  virtual void OnReadRefused(const Refusal& refusal) = 0;
  virtual void Read(ReadCommand command) = 0;

  // Why a partition is not served: another SPU's, or it could not be opened.
  virtual Refusal WhyNotHere(base::PartitionId partition) const = 0;
  // nullopt if the partition is not here.
  virtual std::optional<Offsets> OffsetsOf(base::PartitionId partition) const = 0;
  // First record at or after `time`, or the durable end if all are older.
  virtual void OffsetForTime(base::PartitionId partition, base::WallMillis time,
                             absl::AnyInvocable<void(absl::StatusOr<base::Offset>)> done) = 0;

  // `wake` whenever the readable end moved or the partition went away.
  [[nodiscard]] virtual Subscription OnAdvance(base::PartitionId partition,
                                               absl::AnyInvocable<void()> wake) = 0;
  // `notice(why)` when appends to the partition stop being accepted, `notice(nullopt)` when they
  // are accepted again.
  [[nodiscard]] virtual Subscription OnGate(
      base::PartitionId partition, absl::AnyInvocable<void(std::optional<Refusal>)> notice) = 0;

  virtual void Trim(base::PartitionId partition, base::Offset before,
                    absl::AnyInvocable<void(TrimResult)> done) = 0;
  virtual std::vector<tidemark::log::v1::LocalPartition> ListLocal() const = 0;
};

}  // namespace tidemark::spu
