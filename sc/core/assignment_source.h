// What the protocol core needs to know of topics: who shall hold which partition.
//
// Acknowledgements go persist, then publish: RowsOf() → the store → Apply(). Between the two
// another batch about the same partition may be on its way (a delete): RowsOf() leaves out a
// partition whose own batch is not durable yet. Nothing is lost: the SC sends again what is not
// acknowledged.
//
// Threading: confined to the SC's loop.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "sc/core/records.h"

namespace tidemark::sc {

class AssignmentSource {
 public:
  virtual ~AssignmentSource() = default;

  // The full durable list for one SPU: partitions, tombstones, version. The version grows with
  // every change and is never 0. The caller fills in the session.
  virtual v1::Assignments AssignmentsOf(const std::string& spu_id) const = 0;

  // The rows that make this acknowledgement durable; empty if it says nothing new. Changes nothing.
  virtual StoreBatch RowsOf(const std::string& spu_id, const v1::AssignmentsAck& ack,
                            base::WallMillis wall) const = 0;

  // The batch is durable: publish it.
  virtual void Apply(const StoreBatch& batch) = 0;

  // Durable, or deleted and not yet confirmed by its SPU.
  virtual bool KnowsPartition(base::PartitionId id) const = 0;

  // Durable ones; else nullptr. Valid until the next Apply().
  virtual const PartitionRecord* FindPartition(base::PartitionId id) const = 0;

  // "orders/3"; empty where it is not known.
  virtual std::string NameOf(base::PartitionId id) const = 0;

  // In order of topic and index. Only durable partitions.
  virtual void VisitPartitions(const std::function<void(const PartitionRecord&)>& visit) const = 0;
};

}  // namespace tidemark::sc
