// Assignments out, acknowledgements and offsets in. None of it can carry a verdict.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "sc/core/controller_core.h"

namespace tidemark::sc {

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
  Session* session = FindSession(stream, ack.session());
  if (session == nullptr) {
    RefuseMessage(stream, v1::NACK_REASON_STALE_SESSION,
                  absl::StrFormat("acknowledgement of assignments of session %d", ack.session()),
                  moment);
    return;
  }
  const std::string spu_id = streams_.at(stream).spu_id;
  OnContact(spu_id, moment);
  session->assignments_acked = std::max(session->assignments_acked, ack.version());
  StoreBatch batch = assignments_->RowsOf(spu_id, ack, moment.wall);
  if (batch.empty()) return;
  PendingBatch pending{.purpose = PendingBatch::Purpose::kAssignmentsAck,
                       .spu_id = spu_id,
                       .session = session->id,
                       .batch = batch};
  Store(std::move(batch), std::move(pending));
}

void ControllerCore::OnAssignmentsAckDone(const PendingBatch& pending, const absl::Status& status) {
  if (!status.ok()) {
    // Ask again: the answer was lost on its way into the store.
    SpuState& spu = spus_.at(pending.spu_id);
    if (spu.session && spu.session->id == pending.session) spu.session->assignments_acked = 0;
    return;
  }
  assignments_->Apply(pending.batch);
  for (const PartitionRecord& partition : pending.batch.partitions) {
    changed_.insert(partition.volume);
  }
}

void ControllerCore::OnProgress(StreamId stream, const v1::Progress& progress, Moment moment) {
  if (FindSession(stream, progress.session()) == nullptr) {
    RefuseMessage(stream, v1::NACK_REASON_STALE_SESSION,
                  absl::StrFormat("progress of session %d", progress.session()), moment);
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
