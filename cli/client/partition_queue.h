// The batches of one partition on their way out: gathering, sealed, in flight, refused.
//
// Pure: no threads, no clock of its own. The order of records is the order of Add, also after a
// refusal: what was refused goes first, and only when nothing of the partition is in flight.
//
// Lifetime:  value type.
// Threading: confined to its owner (the producer's mutex).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "cli/client/producer.h"
#include "storage/codec/batch_builder.h"
#include "storage/codec/buffer.h"

namespace tidemark::client {

struct OutgoingBatch {
  std::uint64_t order = 0;  // in which it was sealed; a refusal does not change it
  storage::Buffer bytes;
  std::vector<std::uint64_t> tags;
};

class PartitionQueue {
 public:
  explicit PartitionQueue(int pipeline_depth) : pipeline_depth_(pipeline_depth) {}

  // False if the record does not fit the gathering batch and a sealed one already waits.
  bool Add(const OutgoingRecord& record, std::uint64_t tag, std::int64_t batch_bytes);

  // Whether a batch may go out now.
  bool Sendable(base::MonotonicTime now) const;
  // Bytes of the batch that would go out next.
  std::int64_t NextBytes() const;
  // The next batch; the caller sends it under `sequence`. Only if Sendable.
  const OutgoingBatch& Take(std::uint64_t sequence);

  // The answer to `sequence`: the batch leaves the queue. nullopt for an answer nobody waits for.
  std::optional<OutgoingBatch> Finish(std::uint64_t sequence);
  // Refused for now: it stays, ahead of all that came later, until Unblock or `until`.
  void Refuse(std::uint64_t sequence, base::MonotonicTime until);
  void Unblock() { blocked_until_.reset(); }

  // Everything not finished, oldest first; the queue is empty afterwards.
  std::vector<OutgoingBatch> Drain();

  bool empty() const;
  std::optional<base::MonotonicTime> blocked_until() const { return blocked_until_; }

 private:
  struct InFlight {
    std::uint64_t sequence = 0;
    OutgoingBatch batch;
  };

  void Seal();

  int pipeline_depth_;
  std::uint64_t next_order_ = 0;
  storage::BatchBuilder gathering_;
  std::vector<std::uint64_t> gathering_tags_;
  std::deque<OutgoingBatch> sealed_;
  std::deque<InFlight> in_flight_;
  std::deque<OutgoingBatch> refused_;  // by order
  std::optional<base::MonotonicTime> blocked_until_;
};

}  // namespace tidemark::client
