// Reports: persist, then publish, then ack. And reach, which is an axis of its own.
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/byte_size.h"
#include "base/check.h"
#include "daemon/control/verdict_digest.h"
#include "sc/core/controller_core.h"
#include "sc/core/lost_data.h"
#include "sc/core/report_table.h"
#include "sc/core/verdict_text.h"

namespace tidemark::sc {
namespace {

bool IsHeld(const v1::Report& report) {
  return !daemon::HoldKindsOf(report.holds()).empty() || report.device_faults_size() > 0;
}

bool HoldsSpace(const v1::Report& report) {
  return daemon::HoldsKind(report.holds(), space::v1::HOLD_KIND_SPACE);
}

std::string EventNameOf(const v1::Report& from, const v1::Report& to) {
  if (HoldsSpace(to) && !HoldsSpace(from)) return "volume.out_of_space";
  if (HoldsSpace(from) && !HoldsSpace(to)) return "volume.space_reclaimed";
  return DescribePassed(from, to).empty() ? "volume.verdict" : "volume.episodes_passed";
}

// "n1:/disk": what a person calls it.
std::string NameOf(const VolumeRecord& volume) {
  return absl::StrFormat("%s:%s", volume.spu_id,
                         volume.path.empty() ? volume.uuid.ToString() : volume.path);
}

std::string DescribeLostData(const v1::LostData& lost) {
  if (!lost.held()) return absl::StrFormat("lifted under number %d", lost.generation());
  return absl::StrFormat("held under number %d, offsets %d to %d", lost.generation(),
                         lost.from_offset(), lost.to_offset());
}

}  // namespace

void ControllerCore::OnReport(StreamId stream, const v1::Report& report, Moment moment) {
  const auto uuid = base::Uuid::FromBytes(report.volume());
  const auto it = uuid ? volumes_.find(*uuid) : volumes_.end();
  const v1::Report none;
  const v1::Report& held = it == volumes_.end() ? none : it->second.record.accepted;

  const Session* session = FindSession(stream, report.session());
  if (session == nullptr) {
    if (WhyStray(stream) != v1::NACK_REASON_STALE_SESSION) {
      RefuseStray(stream, "report", report.session(), moment);
      return;
    }
    const std::string detail =
        absl::StrFormat("session %d is not the live one of this stream", report.session());
    RefuseReport(stream, report, held, v1::REPORT_REFUSAL_STALE_SESSION, detail, moment);
    return;
  }
  OnContact(streams_.at(stream).spu_id, moment);
  if (!uuid || it == volumes_.end() || !session->volumes.contains(*uuid)) {
    ReportCase unknown = SortReport(held, report);
    unknown.volume_known = false;
    RefuseReport(stream, report, held, DecideReport(unknown).refusal,
                 "the Hello of this session did not name the volume", moment);
    return;
  }
  VolumeState& volume = it->second;
  if (volume.session != session->id) {
    volume.session = session->id;
    volume.sequence = 0;
    volume.synced = false;
    volume.refused.clear();
    volume.contradicted = false;
  }
  if (report.sequence() < volume.sequence) {
    OnOvertaken(volume, {report, stream, moment.now}, moment);
    return;
  }
  volume.sequence = report.sequence();
  volume.fault_alone = IsFaultAlone(report);
  if (volume.in_store) {
    volume.waiting = {report, stream, moment.now};
    return;
  }
  JudgeReport(volume, {report, stream, moment.now}, moment);
}

// A report that a newer one overtook. The same verdict said again says nothing new; another one of
// the same generation is no duplicate: one generation has one content.
void ControllerCore::OnOvertaken(VolumeState& volume, const PendingReport& pending, Moment moment) {
  const v1::Report& report = pending.report;
  if (IsFaultAlone(report)) return;  // there is no verdict in it to be judged
  const v1::Report& held = volume.record.accepted;
  const v1::Report& newest = volume.in_store ? volume.in_store->report : held;
  const GenerationStep step = SortReport(newest, report).generation;
  if (report.generation() < held.generation()) {
    JudgeReport(volume, pending, moment);
  } else if (step == GenerationStep::kEqualOther) {
    RefuseReport(pending.stream, report, newest, v1::REPORT_REFUSAL_SAME_GENERATION_OTHER_CONTENT,
                 "overtaken, and one generation has one content", moment);
  }
}

void ControllerCore::JudgeReport(VolumeState& volume, const PendingReport& pending, Moment moment) {
  const v1::Report& held = volume.record.accepted;
  const v1::Report& report = pending.report;
  const ReportRow& row = DecideReport(SortReport(held, report));
  if (row.refusal != v1::REPORT_REFUSAL_UNSPECIFIED) {
    std::string detail = row.name;
    if (row.refusal == v1::REPORT_REFUSAL_MALFORMED) detail = FindReportDefect(report);
    if (row.refusal == v1::REPORT_REFUSAL_PROOF_SHORT) {
      detail = FindProofShortage(report.proof(), report.marks());
    }
    RefuseReport(pending.stream, report, held, row.refusal, detail, moment);
    // One that is older than what is held may just be late. Any other says something that is not
    // known here: what is shown is not what the SPU says now.
    const bool late = row.refusal == v1::REPORT_REFUSAL_LOWER_GENERATION;
    if (late || FindSession(pending.stream, report.session()) == nullptr) return;
    volume.synced = false;
    volume.contradicted = false;
    volume.refused = absl::StrFormat("%s: %s", RefusalName(row.refusal), detail);
    UpdateReach(volume, moment);
    return;
  }
  PendingReport taken = pending;
  if (IsFaultAlone(report) && volume.reported()) {
    taken.report = held;
    *taken.report.mutable_device_faults() = report.device_faults();
    taken.report.set_session(report.session());
    taken.report.set_sequence(report.sequence());
  }
  StoreReport(volume, taken, moment);
}

void ControllerCore::RefuseReport(StreamId stream, const v1::Report& report, const v1::Report& held,
                                  v1::ReportRefusal refusal, const std::string& detail,
                                  Moment moment) {
  v1::AttachResponse message;
  v1::ReportNack* nack = message.mutable_report_nack();
  nack->set_session(report.session());
  nack->set_volume(report.volume());
  nack->set_generation(report.generation());
  nack->set_sequence(report.sequence());
  nack->set_reason(refusal);
  nack->set_detail(detail);
  nack->set_known_generation(held.generation());
  Reply(stream, std::move(message));

  const auto uuid = base::Uuid::FromBytes(report.volume());
  const std::string volume = uuid ? uuid->ToString() : "malformed uuid";
  const auto known = uuid ? volumes_.find(*uuid) : volumes_.end();
  const auto from = streams_.find(stream);
  const auto names = [this](base::PartitionId id) { return assignments_->NameOf(id); };
  v1::Event event = NewEvent(
      "report.refused", known == volumes_.end() ? volume : NameOf(known->second.record), moment);
  event.set_spu_id(from == streams_.end() ? "" : from->second.spu_id);
  event.set_volume(volume);
  event.set_from(DescribeRecord(held, names));
  event.set_to(DescribeRecord(report, names));
  event.set_reason(absl::StrFormat("%s: %s", RefusalName(refusal), detail));
  event.set_generation(report.generation());
  event.set_session(report.session());
  // A report without bounds would leave its proof in the history without any.
  if (report.has_proof() && FindReportDefect(report).empty()) {
    *event.mutable_proof() = report.proof();
    event.mutable_reason()->append("; " + DescribeProof(report.proof()));
  }
  RecordRefusal("report", RefusalName(refusal), std::move(event), moment);
}

void ControllerCore::RecordRefusedLift(const VolumeState& volume, const RefusedLift& lift,
                                       Moment moment) {
  const std::uint64_t id = lift.held.partition_id();
  std::string name = assignments_->NameOf(base::PartitionId(id));
  if (name.empty()) name = absl::StrFormat("partition %d", id);
  v1::Event event = NewEvent("lost_data.lift_refused", name, moment);
  event.set_spu_id(volume.record.spu_id);
  event.set_volume(volume.record.uuid.ToString());
  event.set_from(DescribeLostData(lift.held));
  event.set_to(DescribeLostData(lift.incoming));
  event.set_reason("lost data is lifted only under a higher number");
  event.set_generation(lift.incoming.generation());
  event.set_session(volume.session.value());
  RecordRefusal("lost data", "lost data lifted", std::move(event), moment);
}

void ControllerCore::StoreReport(VolumeState& volume, const PendingReport& pending, Moment moment) {
  const v1::Report& held = volume.record.accepted;
  LostDataMerge lost = MergeLostData(held, pending.report, [this](base::PartitionId id) {
    return assignments_->KnowsPartition(id);
  });
  for (const RefusedLift& lift : lost.refused) RecordRefusedLift(volume, lift, moment);
  PendingReport taken = pending;
  *taken.report.mutable_lost_data() = std::move(lost.lost_data);
  const bool durable_already =
      held.generation() == taken.report.generation() && !lost.changed &&
      daemon::CanonicalDeviceFaults(held) == daemon::CanonicalDeviceFaults(taken.report);
  if (durable_already) {
    // Reading and room are newer, and need no place in the store.
    volume.record.accepted = taken.report;
    volume.heard_at = moment.now;
    volume.contradicted = false;
    Acknowledge(volume, taken, moment);
    return;
  }

  StoreBatch batch;
  VolumeRecord row = volume.record;
  row.accepted = taken.report;
  row.accepted_unix_ms = moment.wall;
  batch.volumes.push_back(std::move(row));
  batch.events.push_back(ReportEvent(volume, taken.report, moment));

  PendingBatch purpose{.purpose = PendingBatch::Purpose::kReport, .volume = volume.record.uuid};
  purpose.batch.volumes = batch.volumes;
  volume.in_store = std::move(taken);
  volume.in_store_token = Store(std::move(batch), std::move(purpose));
}

v1::Event ControllerCore::ReportEvent(const VolumeState& volume, const v1::Report& report,
                                      Moment moment) {
  const v1::Report& held = volume.record.accepted;
  const auto names = [this](base::PartitionId id) { return assignments_->NameOf(id); };
  v1::Event event = NewEvent(EventNameOf(held, report), NameOf(volume.record), moment);
  event.set_spu_id(volume.record.spu_id);
  event.set_volume(volume.record.uuid.ToString());
  event.set_from(DescribeVerdict(held, names));
  event.set_to(DescribeVerdict(report, names));
  event.set_generation(report.generation());
  event.set_session(report.session());
  std::vector<std::string> reasons;
  if (std::string passed = DescribePassed(held, report); !passed.empty()) reasons.push_back(passed);
  const bool ended = !reasons.empty() || (HoldsSpace(held) && !HoldsSpace(report));
  if (HoldsSpace(report) || !ended) reasons.push_back(DescribeShortage(report));
  if (ended && report.has_proof()) {
    reasons.push_back(DescribeProof(report.proof()));
    *event.mutable_proof() = report.proof();
  }
  event.set_reason(absl::StrJoin(reasons, "; "));
  return event;
}

void ControllerCore::OnReportDone(const PendingBatch& pending, const absl::Status& status,
                                  Moment moment) {
  VolumeState& volume = volumes_.at(pending.volume);
  TM_CHECK(volume.in_store.has_value());
  const PendingReport stored = *std::exchange(volume.in_store, std::nullopt);
  const auto waiting = std::exchange(volume.waiting, std::nullopt);
  if (!status.ok()) {
    // What is shown could be older than what the SPU said: it is not shown as Online.
    volume.store_failed = true;
    volume.synced = false;
    UpdateReach(volume, moment);
    RefuseReport(stored.stream, stored.report, volume.record.accepted,
                 v1::REPORT_REFUSAL_STORE_FAILED, status.ToString(), moment);
    return;
  }
  volume.record = pending.batch.volumes.front();
  // A tombstone may have been acknowledged while it was on its way.
  DropForgottenLostData(volume);
  volume.heard_at = stored.arrived;
  // Once it is in the store, it is what is shown; until then nothing is shown Online against it.
  // A device fault is told under the generation that is there already, or under none.
  const bool newer = waiting && (IsFaultAlone(waiting->report) ||
                                 waiting->report.generation() >= stored.report.generation());
  volume.contradicted = newer && IsHeld(waiting->report) && !IsHeld(stored.report);
  changed_.insert(volume.record.uuid);
  Acknowledge(volume, stored, moment);
  if (waiting) JudgeReport(volume, *waiting, moment);
}

// Follows from what is durable (the partitions there are), so it needs no batch of its own; the row
// in the store is made good by the volume's next one, and by every start.
void ControllerCore::DropForgottenLostData(VolumeState& volume) {
  const bool dropped = DropUnknownLostData(volume.record.accepted, [this](base::PartitionId id) {
    return assignments_->KnowsPartition(id);
  });
  if (dropped) changed_.insert(volume.record.uuid);
}

// It is durable and published. The session that said it may be gone meanwhile: then it is true, but
// nobody is there to hear so, and it makes nothing Up.
void ControllerCore::Acknowledge(VolumeState& volume, const PendingReport& pending, Moment moment) {
  if (!streams_.contains(pending.stream) ||
      FindSession(pending.stream, pending.report.session()) == nullptr) {
    return;
  }
  volume.synced = !volume.contradicted && volume.session.value() == pending.report.session();
  volume.refused.clear();
  volume.store_failed = false;
  UpdateReach(volume, moment);
  v1::AttachResponse message;
  v1::ReportAck* ack = message.mutable_report_ack();
  ack->set_session(pending.report.session());
  ack->set_volume(pending.report.volume());
  ack->set_generation(pending.report.generation());
  ack->set_sequence(pending.report.sequence());
  Reply(pending.stream, std::move(message));
}

void ControllerCore::UpdateReach(VolumeState& volume, Moment moment) {
  const SpuState& spu = spus_[volume.record.spu_id];
  v1::Reach reach = v1::REACH_UP;
  std::string reason;
  if (!spu.attached()) {
    reach = v1::REACH_DOWN;
    reason = spu.down_reason;
  } else if (!spu.session->volumes.contains(volume.record.uuid)) {
    reach = v1::REACH_ABSENT;
    reason = absl::StrFormat("SPU '%s' is attached without this volume", spu.record.id);
  } else if (volume.store_failed) {
    reach = v1::REACH_SYNCING;
    reason = "controller cannot persist the volume's report";
  } else if (volume.contradicted) {
    reach = v1::REACH_SYNCING;
    reason = "a newer report of the volume holds it, and is being stored";
  } else if (!volume.synced || volume.session != spu.session->id) {
    reach = v1::REACH_SYNCING;
    reason = volume.refused.empty() ? absl::StrFormat("no report of the volume yet in session %d",
                                                      spu.session->id.value())
                                    : "controller refused the volume's report: " + volume.refused;
  } else if (volume.in_store && moment.now - volume.in_store->arrived > options_.lease) {
    reach = v1::REACH_SYNCING;
    reason =
        absl::StrFormat("controller cannot persist: its store has not answered for more than %s",
                        base::FormatDuration(options_.lease));
  } else if (spu.session->unvouched.contains(volume.record.uuid)) {
    reach = v1::REACH_SYNCING;
    reason = absl::StrFormat("SPU '%s' refuses appends and cannot write down why: its disk hangs",
                             spu.record.id);
  }
  if (reach == volume.reach && reason == volume.reach_reason) return;
  if ((reach == v1::REACH_UP) != (volume.reach == v1::REACH_UP)) {
    volume.reach_since_unix_ms = moment.wall;
  }
  volume.reach = reach;
  volume.reach_reason = std::move(reason);
  changed_.insert(volume.record.uuid);
}

void ControllerCore::UpdateReaches(const SpuState& spu, Moment moment) {
  for (auto& [uuid, volume] : volumes_) {
    if (volume.record.spu_id == spu.record.id) UpdateReach(volume, moment);
  }
}

}  // namespace tidemark::sc
