#include "spu/volume/volume_set.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace tidemark::spu {

Volume* VolumeSet::Find(const base::Uuid& uuid) const {
  for (const auto& volume : volumes_) {
    if (volume->uuid() == uuid) return volume.get();
  }
  return nullptr;
}

Volume* VolumeSet::WithPartition(base::PartitionId partition) const {
  for (const auto& volume : volumes_) {
    if (volume->Find(partition) != nullptr) return volume.get();
  }
  return nullptr;
}

Volume* VolumeSet::Keeping(base::PartitionId partition) const {
  for (const auto& volume : volumes_) {
    if (volume->Keeps(partition)) return volume.get();
  }
  return nullptr;
}

const UnopenedVolume* VolumeSet::FindUnopened(const std::string& path) const {
  const auto found = std::ranges::find(unopened_, path, &UnopenedVolume::path);
  return found == unopened_.end() ? nullptr : &*found;
}

absl::StatusOr<Volume*> VolumeSet::Select(const std::string& selector) const {
  std::vector<Volume*> matches;
  std::string known;
  for (const auto& volume : volumes_) {
    const std::string uuid = volume->uuid().ToString();
    absl::StrAppendFormat(&known, "%s%s (%s)", known.empty() ? "" : ", ", uuid,
                          volume->disk().path());
    if (selector.empty() || uuid.starts_with(selector) || volume->disk().path() == selector) {
      matches.push_back(volume.get());
    }
  }
  if (matches.size() == 1) return matches.front();
  if (const UnopenedVolume* unopened = FindUnopened(selector); unopened != nullptr) {
    return absl::UnavailableError(
        absl::StrFormat("volume '%s' could not be opened: %s", selector, unopened->why.message()));
  }
  for (const UnopenedVolume& unopened : unopened_) {
    absl::StrAppendFormat(&known, "%s%s (could not be opened)", known.empty() ? "" : ", ",
                          unopened.path);
  }
  if (matches.empty()) {
    return absl::NotFoundError(
        absl::StrFormat("no volume '%s' on this SPU; there are: %s", selector, known));
  }
  return absl::InvalidArgumentError(
      absl::StrFormat("'%s' names %d volumes; say which: %s", selector, matches.size(), known));
}

bool VolumeSet::all_settled() const {
  return std::all_of(volumes_.begin(), volumes_.end(), [](const auto& volume) {
    return volume->started() || !volume->start_fault().empty();
  });
}

bool VolumeSet::all_started() const {
  return std::all_of(volumes_.begin(), volumes_.end(),
                     [](const auto& volume) { return volume->started(); });
}

std::string VolumeSet::DescribeClosed() const {
  std::vector<std::string> closed;
  for (const UnopenedVolume& volume : unopened_) {
    closed.push_back(absl::StrFormat("'%s' (%s)", volume.path, volume.why.message()));
  }
  for (const auto& volume : volumes_) {
    if (volume->start_fault().empty()) continue;
    closed.push_back(absl::StrFormat("'%s' (%s)", volume->disk().path(), volume->start_fault()));
  }
  return absl::StrJoin(closed, ", ");
}

}  // namespace tidemark::spu
