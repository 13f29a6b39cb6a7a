#include "cli/commands/volume_lookup.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "cli/words.h"

namespace tidemark::cli {
namespace {

std::string NamesOf(const std::vector<VolumeView>& volumes) {
  std::string names;
  for (const VolumeView& view : volumes) {
    names += absl::StrFormat("\n  %s:%s  %s", view.spu_id, view.volume.path(), view.volume.uuid());
  }
  return names.empty() ? " (no SPU has reported any)" : names;
}

bool SamePlace(const VolumeView& one, const VolumeView& other) {
  return one.spu_id == other.spu_id && one.volume.path() == other.volume.path() &&
         one.volume.uuid() != other.volume.uuid();
}

// Formatted anew, or another disk mounted there: its successor is meant. Not where nobody was named
// and partitions were on it: they are what is wrong.
void EraseReplaced(std::vector<VolumeView>& fitting, bool named) {
  const std::vector<VolumeView> all = fitting;
  std::erase_if(fitting, [&all, named](const VolumeView& view) {
    return view.absent && (named || view.volume.partitions() == 0) &&
           std::ranges::any_of(all, [&view](const VolumeView& other) {
             return !other.absent && SamePlace(view, other);
           });
  });
}

bool Fits(const VolumeView& view, const std::string& name) {
  return view.volume.path() == name || view.spu_id + ":" + view.volume.path() == name ||
         (name.size() >= 4 && view.volume.uuid().starts_with(name));
}

}  // namespace

absl::StatusOr<VolumeView> ChooseVolume(const std::vector<VolumeView>& volumes,
                                        const std::string& name) {
  std::vector<VolumeView> fitting;
  std::ranges::copy_if(volumes, std::back_inserter(fitting),
                       [&](const VolumeView& view) { return name.empty() || Fits(view, name); });
  EraseReplaced(fitting, !name.empty());
  if (name.empty() && fitting.size() > 1) {
    std::erase_if(fitting, [](const VolumeView& view) { return view.volume.accepting(); });
    if (fitting.size() != 1) {
      return absl::InvalidArgumentError("say which volume:" + NamesOf(volumes));
    }
  }
  if (fitting.size() == 1) return fitting.front();
  if (fitting.empty()) {
    return absl::NotFoundError(
        absl::StrFormat("there is no volume '%s'. There are:%s", name, NamesOf(volumes)));
  }
  return absl::InvalidArgumentError(
      absl::StrFormat("'%s' fits several volumes:%s", name, NamesOf(fitting)));
}

std::string NameOf(const VolumeView& view, const std::vector<VolumeView>& volumes) {
  const bool taken = std::ranges::any_of(volumes, [&view](const VolumeView& other) {
    return SamePlace(view, other) && (view.absent || !other.absent);
  });
  return taken ? view.volume.uuid() : view.spu_id + ":" + view.volume.path();
}

std::vector<VolumeView> ViewsOf(const sc::v1::ListSpusResponse& spus) {
  std::vector<VolumeView> views;
  for (const auto& spu : spus.spus()) {
    for (const auto& volume : spu.volumes()) views.push_back(ViewOf(volume, spu));
  }
  return views;
}

absl::StatusOr<VolumeView> FindVolume(const Invocation& invocation, const std::string& name) {
  if (!invocation.spu.empty()) {
    TM_ASSIGN_OR_RETURN(const auto listed, invocation.Spu(invocation.spu).ListVolumes());
    std::vector<VolumeView> views;
    for (const auto& volume : listed.volumes()) {
      views.push_back(ViewOf(volume, listed.spu_id(), invocation.spu));
    }
    return ChooseVolume(views, name);
  }
  TM_ASSIGN_OR_RETURN(const auto spus, invocation.Controller().ListSpus());
  return ChooseVolume(ViewsOf(spus), name);
}

}  // namespace tidemark::cli
