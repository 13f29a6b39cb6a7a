// Assignments out, acknowledgements and offsets in. None of it can carry a verdict.
#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "sc/core/controller_core.h"
#include "sc/core/verdict_text.h"

namespace tidemark::sc {
namespace {

constexpr std::size_t kHeldAcks = 16;

}  // namespace

Effects ControllerCore::AssignmentsChanged(const std::string& spu_id, Moment moment) {
  const auto spu = spus_.find(spu_id);
  if (spu != spus_.end() && spu->second.session && spu->second.session->live) {
    SendAssignments(spu->second, moment);
  }
  return TakeEffects();
}

void ControllerCore::SendAssignments(SpuState& spu, Moment moment) {
  Session& session = *spu.session;
  v1::AttachResponse message;
  *message.mutable_assignments() = assignments_->AssignmentsOf(spu.record.id);
  message.mutable_assignments()->set_session(session.id.value());
  session.assignments_sent = message.assignments().version();
  session.assignments_sent_at = moment.now;
  Reply(session.stream, std::move(message));
}

void ControllerCore::OnAssignmentsAck(StreamId stream, const v1::AssignmentsAck& ack,
                                      Moment moment) {
  Session* const session = FindSession(stream, ack.session());
  if (session == nullptr) {
    RefuseStray(stream, "acknowledgement of assignments", ack.session(), moment);
    return;
  }
  const std::string spu_id = streams_.at(stream).spu_id;
  OnContact(spu_id, moment);
  // What was reported before it may be that the partition's data is lost: that is published first.
  std::set<base::Uuid> behind;
  for (const base::Uuid& uuid : session->volumes) {
    if (volumes_.at(uuid).waiting) behind.insert(uuid);
  }
  if (session->held_acks.size() < kHeldAcks) {
    session->held_acks.push_back({ack, std::move(behind)});
  } else {
    session->acks_dropped = true;
  }
  TakeHeldAcks(spus_.at(spu_id), moment);
}

void ControllerCore::ReleaseAcks(const base::Uuid& volume, Moment moment) {
  SpuState& spu = spus_.at(volumes_.at(volume).record.spu_id);
  if (!spu.session) return;
  for (HeldAck& one : spu.session->held_acks) one.behind.erase(volume);
  TakeHeldAcks(spu, moment);
}

// One after the other: the rows of the next follow from those of the one before.
void ControllerCore::TakeHeldAcks(SpuState& spu, Moment moment) {
  if (!spu.session) return;
  auto& held = spu.session->held_acks;
  while (!held.empty() && held.front().behind.empty() && spu.acks_in_store == 0) {
    const v1::AssignmentsAck ack = std::move(held.front().ack);
    held.pop_front();
    TakeAssignmentsAck(spu, ack, moment);
  }
  if (held.empty() && std::exchange(spu.session->acks_dropped, false)) {
    spu.session->assignments_acked = 0;
  }
}

void ControllerCore::TakeAssignmentsAck(SpuState& spu, const v1::AssignmentsAck& ack,
                                        Moment moment) {
  const std::string& spu_id = spu.record.id;
  Session& session = *spu.session;
  // No list is answered before it was sent.
  session.assignments_acked =
      std::max(session.assignments_acked, std::min(ack.version(), session.assignments_sent));
  StoreBatch batch = assignments_->RowsOf(spu_id, ack, moment.wall);
  // Behind a report that is in the store it goes in any case: that is published first.
  const bool alone = std::none_of(
      session.volumes.begin(), session.volumes.end(),
      [this](const base::Uuid& uuid) { return volumes_.at(uuid).in_store.has_value(); });
  if (batch.empty() && alone) return NoteTaken(spu_id, session.id, ack);
  AddRefusedAssignments(spu_id, batch, moment);
  PendingBatch pending{.purpose = PendingBatch::Purpose::kAssignmentsAck,
                       .spu_id = spu_id,
                       .session = session.id,
                       .ack = ack,
                       .batch = batch};
  ++spu.acks_in_store;
  Store(std::move(batch), std::move(pending));
}

void ControllerCore::AddRefusedAssignments(const std::string& spu_id, StoreBatch& batch,
                                           Moment moment) {
  for (const PartitionRecord& partition : batch.partitions) {
    // An older time: the same reason as before, with other numbers.
    if (partition.refusal == v1::ASSIGNMENT_REFUSAL_UNSPECIFIED ||
        partition.acked_unix_ms != moment.wall) {
      continue;
    }
    const std::string reason = RefusalName(partition.refusal);
    const std::string name = absl::StrFormat("%s/%d", partition.topic, partition.index);
    // The peer chooses the number: those we do not know share one name in what is counted.
    const bool known = v1::AssignmentRefusal_IsValid(partition.refusal);
    const auto swallowed = refused_assignments_.Add(known ? reason : "unknown", name, moment.now);
    if (!swallowed) continue;
    v1::Event event = NewEvent("assignment.refused", name, moment);
    event.set_spu_id(spu_id);
    event.set_volume(partition.volume.ToString());
    event.set_to(absl::StrFormat("refused, %s", reason));
    event.set_reason(
        absl::StrFormat("SPU '%s' refused the assignment: %s", spu_id, partition.refusal_detail));
    batch.events.push_back(std::move(event));
  }
}

void ControllerCore::OnAssignmentsAckDone(const PendingBatch& pending, const absl::Status& status,
                                          Moment moment) {
  SpuState& spu = spus_.at(pending.spu_id);
  --spu.acks_in_store;
  if (status.ok()) {
    PublishAssignmentsAck(pending);
  } else if (spu.session && spu.session->id == pending.session) {
    // Ask again: the answer was lost on its way into the store.
    spu.session->assignments_acked = 0;
  }
  TakeHeldAcks(spu, moment);
}

void ControllerCore::PublishAssignmentsAck(const PendingBatch& pending) {
  assignments_->Apply(pending.batch);
  if (!pending.batch.deleted_tombstones.empty()) {
    for (auto& [uuid, volume] : volumes_) DropForgottenLostData(volume);
  }
  for (const PartitionRecord& partition : pending.batch.partitions) {
    changed_.insert(partition.volume);
  }
  NoteTaken(pending.spu_id, pending.session, pending.ack);
}

void ControllerCore::NoteTaken(const std::string& spu_id, base::SessionId session,
                               const v1::AssignmentsAck& ack) {
  for (const v1::AssignmentResult& result : ack.results()) {
    const base::PartitionId id(result.partition_id());
    const PartitionRecord* partition = assignments_->FindPartition(id);
    // Another SPU's, or an older spec's: no answer.
    if (result.tombstone() || partition == nullptr || partition->spu_id != spu_id ||
        partition->spec_version != result.spec_version()) {
      continue;
    }
    const auto found = volumes_.find(partition->volume);
    if (found == volumes_.end() || found->second.taken_in > session) continue;
    VolumeState& volume = found->second;
    if (volume.taken_in != session) volume.taken.clear();
    volume.taken_in = session;
    const bool news = result.ok() ? volume.taken.insert(id).second : volume.taken.erase(id) > 0;
    if (news) changed_.insert(partition->volume);
  }
}

void ControllerCore::OnProgress(StreamId stream, const v1::Progress& progress, Moment moment) {
  if (FindSession(stream, progress.session()) == nullptr) {
    RefuseStray(stream, "progress", progress.session(), moment);
    return;
  }
  const std::string& spu_id = streams_.at(stream).spu_id;
  OnContact(spu_id, moment);
  constexpr std::size_t kPartitions = 100'000;
  auto& known = spus_.at(spu_id).progress;
  for (const v1::PartitionProgress& partition : progress.partitions()) {
    const base::PartitionId id(partition.partition_id());
    if (known.size() < kPartitions || known.contains(id)) known[id] = partition;
  }
}

}  // namespace tidemark::sc
