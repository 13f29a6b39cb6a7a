// The volumes of this SPU, and which of them has a partition.
//
// Threading: confined to the loop.
// Errors:    Select() → kNotFound or kInvalidArgument, with what there is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "spu/volume/volume.h"

namespace tidemark::spu {

class VolumeSet {
 public:
  void Add(std::unique_ptr<Volume> volume) { volumes_.push_back(std::move(volume)); }
  const std::vector<std::unique_ptr<Volume>>& all() const { return volumes_; }

  Volume* Find(const base::Uuid& uuid) const;
  // The volume that serves the partition, or null.
  Volume* WithPartition(base::PartitionId partition) const;
  // The volume that has it on disk or may have it, see Volume::Keeps().
  Volume* Keeping(base::PartitionId partition) const;
  // By UUID, a unique prefix of one, or path; empty means the only one there is.
  absl::StatusOr<Volume*> Select(const std::string& selector) const;
  // Each has started, or cannot.
  bool all_settled() const;
  // Of each it is known what it keeps.
  bool all_started() const;
  void Clear() { volumes_.clear(); }

 private:
  std::vector<std::unique_ptr<Volume>> volumes_;
};

}  // namespace tidemark::spu
