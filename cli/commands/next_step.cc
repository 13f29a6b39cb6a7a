#include "cli/commands/next_step.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "absl/strings/str_format.h"
#include "cli/commands/partition_advice.h"
#include "cli/commands/volume_lookup.h"
#include "cli/words.h"

namespace tidemark::cli {
namespace {

using sc::v1::ListPartitionsResponse;
using sc::v1::ListSpusResponse;
using sc::v1::Partition;
using sc::v1::ScVolume;
using sc::v1::Spu;

bool InEpisode(const ScVolume& volume) {
  return std::ranges::find(volume.holds().held(), space::v1::HOLD_KIND_SPACE) !=
         volume.holds().held().end();
}

bool HasPartitions(const Spu& spu) {
  return std::ranges::any_of(spu.volumes(),
                             [](const ScVolume& volume) { return volume.partitions() > 0; });
}

using IsTask = std::function<bool(const Spu& spu, const ScVolume& volume)>;

// What to type about the first volume that is one; "" if none is.
std::string VolumeStep(const ListSpusResponse& spus, const IsTask& is_task) {
  for (const Spu& spu : spus.spus()) {
    for (const ScVolume& volume : spu.volumes()) {
      if (!is_task(spu, volume)) continue;
      return "tidemark volume explain " + NameOf(ViewOf(volume, spu), ViewsOf(spus));
    }
  }
  return "";
}

bool IsOpenEpisode(const Spu& spu, const ScVolume& volume) {
  const bool there = spu.attached() && volume.reach() != sc::v1::REACH_ABSENT;
  return InEpisode(volume) && (there || volume.partitions() > 0);
}

// Its SPU can be asked why. A first start on a full disk stays Syncing: it has nothing to report.
bool AnswersAndDoesNotAccept(const Spu& spu, const ScVolume& volume) {
  const bool answers =
      volume.reach() == sc::v1::REACH_UP || volume.reach() == sc::v1::REACH_SYNCING;
  return spu.attached() && answers && !ViewOf(volume, spu).volume.accepting();
}

bool IsAbsentWithPartitions(const Spu& spu, const ScVolume& volume) {
  return spu.attached() && volume.reach() == sc::v1::REACH_ABSENT && volume.partitions() > 0;
}

// Without partitions an SPU that is away is missed only where there is no other.
std::string AwayStep(const ListSpusResponse& spus) {
  const auto& all = spus.spus();
  auto away = std::ranges::find_if(
      all, [](const Spu& spu) { return !spu.attached() && HasPartitions(spu); });
  if (away == all.end() && std::ranges::none_of(all, &Spu::attached)) away = all.begin();
  return away == all.end() ? "" : "tidemark spu describe " + away->id();
}

// The first partition that is not Online, why, and what to type; "" if all are.
std::string PartitionStep(const ListPartitionsResponse& partitions,
                          const std::vector<VolumeView>& volumes) {
  const Partition* first = nullptr;
  int more = -1;
  for (const Partition& partition : partitions.partitions()) {
    if (partition.status() == sc::v1::PARTITION_STATUS_ONLINE) continue;
    if (first == nullptr) first = &partition;
    ++more;
  }
  if (first == nullptr) return "";
  std::string volume = first->volume();
  for (const VolumeView& view : volumes) {
    if (view.volume.uuid() == first->volume()) volume = NameOf(view, volumes);
  }
  return absl::StrFormat("%s\n  %s is %s: %s%s", AdviceFor(*first, volume),
                         PartitionName(first->topic(), first->index()), StatusWord(first->status()),
                         first->reason(),
                         more > 0 ? absl::StrFormat(" (and %d more are not Online)", more) : "");
}

// About the first that goes on saying Hello and is refused; "" if none does.
std::string RefusedStep(const HelloRefusals& refused) {
  if (refused.empty()) return "";
  const auto& [id, refusal] = *refused.begin();
  if (!refusal.of_another) {
    return absl::StrFormat("let SPU %s in, it was %s", id, RefusedText(refusal));
  }
  return absl::StrFormat("stop the other process that says it is SPU %s, or give it another id",
                         id);
}

}  // namespace

std::string NextStep(const ListSpusResponse& spus, const ListPartitionsResponse& partitions,
                     const HelloRefusals& refused) {
  if (spus.has_store_problem()) {
    return "mend the disk of the SC itself (free space if it is full): " +
           spus.store_problem().why();
  }
  if (spus.spus().empty()) {
    const std::string step = RefusedStep(refused);
    return step.empty() ? "start an SPU: tidemark-spu --config FILE" : step;
  }
  for (const std::string& step :
       {VolumeStep(spus, IsOpenEpisode), VolumeStep(spus, AnswersAndDoesNotAccept), AwayStep(spus),
        VolumeStep(spus, IsAbsentWithPartitions), PartitionStep(partitions, ViewsOf(spus)),
        RefusedStep(refused)}) {
    if (!step.empty()) return step;
  }
  if (partitions.partitions().empty()) return "tidemark topic create orders --partitions 4";
  return "nothing to do";
}

}  // namespace tidemark::cli
