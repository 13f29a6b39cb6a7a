#include "sc/core/status_of.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_format.h"
#include "daemon/control/verdict_digest.h"
#include "sc/core/verdict_text.h"

namespace tidemark::sc {
namespace {

struct Held {
  std::string reason;
  base::WallMillis since_unix_ms = 0;
  bool lost_data = false;
};

base::WallMillis SinceOr(base::WallMillis since, const VolumeState& volume) {
  return since != 0 ? since : volume.record.accepted_unix_ms;
}

std::optional<Held> FailedBy(const PartitionRecord& partition, const VolumeState& volume) {
  const v1::Report& report = volume.record.accepted;
  if (daemon::HoldsKind(report.holds(), space::v1::HOLD_KIND_DEVICE)) {
    return Held{DescribeHold(report.holds(), space::v1::HOLD_KIND_DEVICE),
                SinceOr(report.holds().device().since_unix_ms(), volume)};
  }
  if (report.device_faults_size() > 0) {
    space::v1::Holds fault;
    *fault.mutable_device() = report.device_faults(0);
    return Held{DescribeHold(fault, space::v1::HOLD_KIND_DEVICE),
                SinceOr(fault.device().since_unix_ms(), volume)};
  }
  for (const auto& lost : report.lost_data()) {
    if (lost.held() && lost.partition_id() == partition.id.value()) {
      return Held{absl::StrFormat("lost data at offsets %d to %d: %s", lost.from_offset(),
                                  lost.to_offset(), lost.reason()),
                  volume.record.accepted_unix_ms, true};
    }
  }
  return std::nullopt;
}

std::optional<Held> FullBy(const VolumeState& volume) {
  const v1::Report& report = volume.record.accepted;
  if (!daemon::HoldsKind(report.holds(), space::v1::HOLD_KIND_SPACE)) return std::nullopt;
  return Held{absl::StrFormat("%s: %s", DescribeHold(report.holds(), space::v1::HOLD_KIND_SPACE),
                              DescribeShortage(report)),
              SinceOr(report.holds().space().since_unix_ms(), volume)};
}

// Every hold that is left, the unknown ones of a newer peer too.
std::optional<Held> HeldBy(const VolumeState& volume) {
  const space::v1::Holds& holds = volume.record.accepted.holds();
  const auto kinds = daemon::HoldKindsOf(holds);
  if (kinds.empty()) return std::nullopt;
  base::WallMillis since = 0;
  if (holds.has_operator_()) {
    since = holds.operator_().since_unix_ms();
  } else if (holds.has_blind()) {
    since = holds.blind().since_unix_ms();
  }
  std::string reason;
  for (const auto kind : kinds) {
    absl::StrAppendFormat(&reason, "%s%s", reason.empty() ? "held by " : ", ",
                          DescribeHold(holds, kind));
  }
  return Held{reason, SinceOr(since, volume)};
}

std::string NotAcked(const PartitionRecord& partition) {
  if (partition.refusal == v1::ASSIGNMENT_REFUSAL_UNSPECIFIED) {
    return absl::StrFormat("provisioning: SPU '%s' has not taken the assignment yet",
                           partition.spu_id);
  }
  return absl::StrFormat("provisioning: SPU '%s' refused the assignment: %s", partition.spu_id,
                         partition.refusal_detail);
}

PartitionVerdict Make(v1::PartitionStatus status, std::string reason, base::WallMillis since) {
  PartitionVerdict verdict;
  verdict.status = status;
  verdict.reason = std::move(reason);
  verdict.since_unix_ms = since;
  return verdict;
}

// The table of the header, row by row.
PartitionVerdict FirstRow(const PartitionRecord& partition, const VolumeState& volume) {
  if (const auto held = FailedBy(partition, volume)) {
    PartitionVerdict failed = Make(v1::PARTITION_STATUS_FAILED, held->reason, held->since_unix_ms);
    failed.lost_data = held->lost_data;
    return failed;
  }
  if (const auto held = FullBy(volume)) {
    return Make(v1::PARTITION_STATUS_OUT_OF_SPACE, held->reason, held->since_unix_ms);
  }
  if (const auto held = HeldBy(volume)) {
    return Make(v1::PARTITION_STATUS_OFFLINE, held->reason, held->since_unix_ms);
  }
  if (!volume.reported()) {
    return Make(v1::PARTITION_STATUS_OFFLINE, "provisioning: no report of the volume yet",
                partition.created_unix_ms);
  }
  if (volume.reach == v1::REACH_ABSENT) {
    return Make(v1::PARTITION_STATUS_OFFLINE,
                absl::StrFormat("volume absent: SPU '%s' is attached without it", partition.spu_id),
                volume.reach_since_unix_ms);
  }
  if (volume.reach != v1::REACH_UP) {
    return Make(v1::PARTITION_STATUS_LEADER_OFFLINE, volume.reach_reason,
                volume.reach_since_unix_ms);
  }
  if (!partition.acked()) {
    const bool refused = partition.refusal != v1::ASSIGNMENT_REFUSAL_UNSPECIFIED;
    return Make(v1::PARTITION_STATUS_OFFLINE, NotAcked(partition),
                refused ? partition.acked_unix_ms : partition.created_unix_ms);
  }
  if (!volume.HasTaken(partition.id)) {
    return Make(
        v1::PARTITION_STATUS_LEADER_OFFLINE,
        absl::StrFormat("SPU '%s' has not said yet, since it attached, that it still has it",
                        partition.spu_id),
        volume.reach_since_unix_ms);
  }
  return Make(v1::PARTITION_STATUS_ONLINE, "",
              std::max({volume.reach_since_unix_ms, partition.acked_unix_ms,
                        volume.record.accepted_unix_ms}));
}

}  // namespace

PartitionVerdict StatusOf(const PartitionRecord& partition, const VolumeState* volume) {
  if (volume == nullptr) {
    PartitionVerdict verdict =
        Make(v1::PARTITION_STATUS_OFFLINE, "provisioning: the volume has never been seen",
             partition.created_unix_ms);
    verdict.reachable_since_unix_ms = partition.created_unix_ms;
    return verdict;
  }
  PartitionVerdict verdict = FirstRow(partition, *volume);
  // Nobody is sent to a partition that its agent has not confirmed.
  verdict.reachable =
      volume->reach == v1::REACH_UP && verdict.status != v1::PARTITION_STATUS_LEADER_OFFLINE;
  verdict.reachable_since_unix_ms = volume->reach_since_unix_ms;
  return verdict;
}

}  // namespace tidemark::sc
