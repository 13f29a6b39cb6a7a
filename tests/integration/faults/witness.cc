#include "tests/integration/faults/witness.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"

namespace tidemark::faults {

absl::StatusOr<space::v1::Volume> Witness::LookAtAgent() {
  const std::uint64_t begin = cluster_.faults().position();
  TM_ASSIGN_OR_RETURN(const auto listed, cluster_.agent().ListVolumes());
  if (listed.volumes_size() != 1) return absl::NotFoundError("the SPU lists no volume");
  const space::v1::Volume& volume = listed.volumes(0);
  Note({.begin = begin,
        .end = cluster_.faults().position(),
        .who = "the SPU",
        .generation = base::Generation(volume.generation()),
        .ready = volume.accepting()});
  return volume;
}

absl::StatusOr<Witness::ControllerView> Witness::LookAtController() {
  const auto volume_now = [this]() -> absl::StatusOr<sc::v1::ScVolume> {
    TM_ASSIGN_OR_RETURN(const auto spus, cluster_.controller().ListSpus());
    if (spus.spus_size() != 1 || spus.spus(0).volumes_size() != 1) {
      return absl::NotFoundError("the SC lists no volume");
    }
    return spus.spus(0).volumes(0);
  };
  TM_ASSIGN_OR_RETURN(const auto before, volume_now());
  TM_ASSIGN_OR_RETURN(const auto listed, cluster_.controller().ListPartitions(""));
  TM_ASSIGN_OR_RETURN(const auto after, volume_now());
  ControllerView view;
  view.volume = after;
  view.partitions.assign(listed.partitions().begin(), listed.partitions().end());
  const bool online = std::ranges::any_of(view.partitions, [](const sc::v1::Partition& partition) {
    return partition.status() == sc::v1::PARTITION_STATUS_ONLINE;
  });
  // What was listed between two records may be of either.
  const bool one_record = before.generation() == after.generation();
  Note({.begin = 0,
        .end = cluster_.faults().position(),
        .who = "the SC",
        .generation = base::Generation(after.generation()),
        .ready = online && one_record,
        .by_record = true,
        .held = after.holds().held_size() > 0});
  return view;
}

void Witness::Acknowledged(std::uint64_t sent_at) {
  Note({.begin = sent_at,
        .end = cluster_.faults().position(),
        .who = "the SPU acknowledged an append, and",
        .ready = true});
}

void Witness::Note(Said said) {
  base::MutexLock lock(mutex_);
  said_.push_back(std::move(said));
}

std::int64_t Witness::looks() const {
  base::MutexLock lock(mutex_);
  return static_cast<std::int64_t>(said_.size());
}

std::string Witness::Contradiction(const Said& said, const VerdictHistory& history) {
  if (said.ready && !said.by_record && !history.WasReady(said.begin, said.end)) {
    return absl::StrFormat(
        "%s accepted while no durable verdict said so (generation %d, notes %d to %d)", said.who,
        said.generation.value(), said.begin, said.end);
  }
  if (said.generation == base::Generation(0)) return "";
  const WrittenVerdict* verdict = history.DurableGeneration(said.generation, said.end);
  if (verdict == nullptr) {
    return absl::StrFormat("%s told generation %d, which was not durable (note %d)", said.who,
                           said.generation.value(), said.end);
  }
  const bool holds = !verdict->record.holds.empty();
  if (said.by_record && said.ready && holds) {
    return absl::StrFormat("%s shows Online, though generation %d says %s", said.who,
                           said.generation.value(), monitor::DescribeHolds(verdict->record.holds));
  }
  if (said.by_record && said.held != holds) {
    return absl::StrFormat("%s has other holds for generation %d than the disk: %s", said.who,
                           said.generation.value(), monitor::DescribeHolds(verdict->record.holds));
  }
  return "";
}

std::vector<std::string> Witness::Judge(const VerdictHistory& history) const {
  base::MutexLock lock(mutex_);
  std::vector<std::string> findings;
  std::map<std::string, base::Generation> newest;
  for (const Said& said : said_) {
    if (auto finding = Contradiction(said, history); !finding.empty()) {
      findings.push_back(std::move(finding));
    }
    base::Generation& before = newest[said.who];
    if (said.generation != base::Generation(0) && said.generation < before) {
      findings.push_back(absl::StrFormat("%s went back from generation %d to %d", said.who,
                                         before.value(), said.generation.value()));
    }
    before = std::max(before, said.generation);
  }
  return findings;
}

}  // namespace tidemark::faults
