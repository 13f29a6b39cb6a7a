#include "sc/core/view.h"

#include <algorithm>
#include <map>

#include "daemon/control/verdict_digest.h"

namespace tidemark::sc {
namespace {

const VolumeState* FindVolume(const ControllerCore& core, const base::Uuid& uuid) {
  const auto it = core.volumes().find(uuid);
  return it == core.volumes().end() ? nullptr : &it->second;
}

std::int64_t Milliseconds(base::Duration duration) {
  return duration / std::chrono::milliseconds(1);
}

// Not heard since this process started: as old as the record, by the wall clock, which may have
// been set back. -1: never heard.
std::int64_t ReportAge(const VolumeState& volume, Moment moment) {
  if (volume.heard_at) return Milliseconds(moment.now - *volume.heard_at);
  const base::WallMillis accepted = volume.record.accepted_unix_ms;
  return accepted == 0 ? -1 : std::max<std::int64_t>(0, moment.wall - accepted);
}

}  // namespace

PartitionVerdict VerdictOf(const ControllerCore& core, const PartitionRecord& partition) {
  return StatusOf(partition, FindVolume(core, partition.volume));
}

v1::Partition ViewPartition(const ControllerCore& core, const PartitionRecord& partition) {
  const PartitionVerdict verdict = VerdictOf(core, partition);
  v1::Partition view;
  view.set_id(partition.id.value());
  view.set_topic(partition.topic);
  view.set_index(partition.index);
  view.set_leader(partition.spu_id);
  view.set_volume(partition.volume.ToString());
  view.set_status(verdict.status);
  view.set_since_unix_ms(verdict.since_unix_ms);
  view.set_reason(verdict.reason);
  view.set_reachable(verdict.reachable);
  view.set_reachable_since_unix_ms(verdict.reachable_since_unix_ms);
  view.set_spec_version(partition.spec_version);
  view.set_assignment_acked(partition.acked());
  view.set_assignment_refusal(partition.refusal_detail);
  view.set_assignment_refusal_reason(partition.refusal);
  view.set_lost_data(verdict.lost_data);
  if (const auto spu = core.spus().find(partition.spu_id); spu != core.spus().end()) {
    view.set_endpoint(spu->second.record.grpc_endpoint);
    const auto progress = spu->second.progress.find(partition.id);
    if (progress != spu->second.progress.end()) {
      view.set_size_bytes(progress->second.size_bytes());
      view.set_log_start(progress->second.log_start());
      view.set_high_watermark(progress->second.durable_end());
    }
  }
  if (const VolumeState* volume = FindVolume(core, partition.volume)) {
    const v1::Report& report = volume->record.accepted;
    view.set_episode(report.holds().space().episode());
    view.set_bytes_short(report.bytes_short());
  }
  return view;
}

std::vector<v1::Partition> ViewPartitions(const ControllerCore& core,
                                          const AssignmentSource& assignments,
                                          const std::string& topic) {
  std::vector<v1::Partition> views;
  assignments.VisitPartitions([&](const PartitionRecord& partition) {
    if (topic.empty() || partition.topic == topic) views.push_back(ViewPartition(core, partition));
  });
  return views;
}

v1::ScVolume ViewVolume(const VolumeState& volume, Moment moment) {
  const v1::Report& report = volume.record.accepted;
  v1::ScVolume view;
  view.set_uuid(volume.record.uuid.ToString());
  view.set_path(volume.record.path);
  view.set_spu_id(volume.record.spu_id);
  view.set_reach(volume.reach);
  view.set_generation(report.generation());
  *view.mutable_holds() = report.holds();
  *view.mutable_marks() = report.marks();
  *view.mutable_reading() = report.reading();
  *view.mutable_room() = report.room();
  if (report.has_proof()) *view.mutable_last_proof() = report.proof();
  *view.mutable_device_faults() = report.device_faults();
  view.set_episodes(report.episodes());
  view.set_bytes_short(report.bytes_short());
  view.set_reported(volume.reported());
  view.set_report_age_ms(ReportAge(volume, moment));
  return view;
}

std::vector<v1::Spu> ViewSpus(const ControllerCore& core, const AssignmentSource& assignments,
                              Moment moment) {
  std::map<base::Uuid, std::int64_t> partitions;
  assignments.VisitPartitions(
      [&](const PartitionRecord& partition) { ++partitions[partition.volume]; });
  std::vector<v1::Spu> views;
  for (const auto& [id, spu] : core.spus()) {
    v1::Spu& view = views.emplace_back();
    view.set_id(id);
    view.set_uuid(spu.record.uuid.ToString());
    view.set_session(spu.record.session.value());
    view.set_boot_count(spu.record.boot_count);
    view.set_attached(spu.attached());
    if (spu.session) view.set_lease_age_ms(Milliseconds(moment.now - spu.session->last_contact));
    view.set_grpc_endpoint(spu.record.grpc_endpoint);
    view.set_http_endpoint(spu.record.http_endpoint);
    view.set_version(spu.record.version);
    view.set_since_unix_ms(spu.since_unix_ms);
    for (const auto& [uuid, volume] : core.volumes()) {
      if (volume.record.spu_id != id) continue;
      v1::ScVolume* shown = view.add_volumes();
      *shown = ViewVolume(volume, moment);
      shown->set_partitions(partitions[uuid]);
    }
  }
  return views;
}

}  // namespace tidemark::sc
