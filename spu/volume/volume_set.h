// The volumes of this SPU, and which of them has a partition.
//
// Threading: confined to the loop.
// Errors:    Select() → kNotFound or kInvalidArgument, with what there is; kUnavailable for one
//            that could not be opened.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "spu/volume/volume.h"

namespace tidemark::spu {

// Its uuid is in the marker, which could not be read: the path is all there is.
struct UnopenedVolume {
  std::string path;
  absl::Status why;
};

class VolumeSet {
 public:
  void Add(std::unique_ptr<Volume> volume) { volumes_.push_back(std::move(volume)); }
  // Configured, but its directory could not be opened as a volume: told, and otherwise left alone.
  void AddUnopened(std::string path, absl::Status why) {
    unopened_.push_back({std::move(path), std::move(why)});
  }
  const std::vector<UnopenedVolume>& unopened() const { return unopened_; }
  const UnopenedVolume* FindUnopened(const std::string& path) const;
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
  // Those that could not be opened or started, and why; empty if there are none.
  std::string DescribeClosed() const;
  void Clear() { volumes_.clear(); }

 private:
  std::vector<std::unique_ptr<Volume>> volumes_;
  std::vector<UnopenedVolume> unopened_;
};

}  // namespace tidemark::spu
