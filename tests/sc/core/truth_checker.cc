#include "tests/sc/core/truth_checker.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "sc/core/view.h"

namespace tidemark::sc {
namespace {

// Without volatile parts, for "one generation, one content".
std::string Content(const v1::Report& report) {
  v1::Report content = report;
  content.clear_session();
  content.clear_sequence();
  content.clear_reading();
  content.clear_room();
  content.clear_device_faults();
  content.clear_lost_data();
  // A set: the order in which holds came does not matter.
  auto* held = content.mutable_holds()->mutable_held();
  std::sort(held->begin(), held->end());
  return content.SerializeAsString();
}

bool IsFull(const v1::Report& report) { return report.holds().has_space(); }

// Space was never short, or came back with numbers that hold.
bool IsHonest(const v1::Report& report) {
  if (IsFull(report) || report.episodes() == 0) return true;
  const space::v1::Proof& proof = report.proof();
  return report.has_proof() && proof.episode() == report.episodes() && proof.readings() >= 3 &&
         proof.bytes_after() >= proof.marks().resume_bytes() &&
         proof.reserve_bytes() >= proof.marks().reserve_bytes();
}

}  // namespace

void TruthChecker::Fail(const std::string& what) {
  if (violations_.size() < 5) violations_.push_back(what);
}

void TruthChecker::Look(const ControllerCore& core, const AssignmentSource& assignments,
                        const SimSpu::Disk& disk) {
  for (const auto& [uuid, volume] : core.volumes()) LookAtVolume(volume, disk);
  assignments.VisitPartitions(
      [&](const PartitionRecord& partition) { LookAtPartition(core, partition); });
}

void TruthChecker::LookAtVolume(const VolumeState& volume, const SimSpu::Disk& disk) {
  const v1::Report& now = volume.record.accepted;
  if (now.generation() == 0) {
    if (published_.contains(volume.record.uuid)) Fail("P5: a published verdict is forgotten");
    return;
  }
  v1::Report& before = published_[volume.record.uuid];
  const std::string content = Content(now);
  if (content == Content(before)) return;
  if (now.generation() < before.generation()) {
    Fail(absl::StrFormat("P5: generation %d was published, now %d", before.generation(),
                         now.generation()));
  }
  if (now.generation() == before.generation()) {
    Fail(absl::StrFormat("P5: generation %d has two contents", now.generation()));
  }
  const auto& written = disk.written.at(volume.record.uuid);
  if (std::none_of(written.begin(), written.end(),
                   [&](const v1::Report& record) { return Content(record) == content; })) {
    Fail(absl::StrFormat("P2: generation %d is shown, but was never durable at the SPU",
                         now.generation()));
  }
  if (!IsHonest(now)) {
    Fail(absl::StrFormat("P3: generation %d has no space hold and no proof", now.generation()));
  }
  if (IsFull(before) && !IsFull(now) && now.proof().episode() < before.holds().space().episode()) {
    Fail(absl::StrFormat("P3: episode %d left with a proof of %d", before.holds().space().episode(),
                         now.proof().episode()));
  }
  before = now;
}

void TruthChecker::LookAtPartition(const ControllerCore& core, const PartitionRecord& partition) {
  const PartitionVerdict verdict = VerdictOf(core, partition);
  const auto it = core.volumes().find(partition.volume);
  const v1::Report none;
  const v1::Report& held = it == core.volumes().end() ? none : it->second.record.accepted;
  if (IsFull(held) && verdict.status != v1::PARTITION_STATUS_OUT_OF_SPACE &&
      verdict.status != v1::PARTITION_STATUS_FAILED) {
    Fail(absl::StrFormat("P4: episode %d is shown as %s", held.holds().space().episode(),
                         v1::PartitionStatus_Name(verdict.status)));
  }
  Shown& before = shown_[partition.id];
  if (before.status == v1::PARTITION_STATUS_OUT_OF_SPACE &&
      verdict.status != v1::PARTITION_STATUS_OUT_OF_SPACE &&
      verdict.status != v1::PARTITION_STATUS_FAILED && held.generation() <= before.generation) {
    Fail(absl::StrFormat("P3: OutOfSpace of generation %d left at generation %d", before.generation,
                         held.generation()));
  }
  if (verdict.status == v1::PARTITION_STATUS_ONLINE) {
    const auto spu = core.spus().find(partition.spu_id);
    const std::uint64_t session =
        spu == core.spus().end() || !spu->second.session ? 0 : spu->second.session->id.value();
    if (!sent_.contains({session, partition.volume, held.generation()})) {
      Fail(absl::StrFormat("P1: Online, but generation %d was not reported in session %d",
                           held.generation(), session));
    }
    if (held.holds().held_size() > 0 || held.device_faults_size() > 0 || !IsHonest(held)) {
      Fail(absl::StrFormat("P1: Online while held: %s", held.ShortDebugString()));
    }
  }
  before.status = verdict.status;
  before.generation = held.generation();
}

}  // namespace tidemark::sc
