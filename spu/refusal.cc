#include "spu/refusal.h"

#include <string>

#include "absl/strings/str_format.h"
#include "daemon/rpc_error.h"

namespace tidemark::spu {
namespace {

namespace log_pb = tidemark::log::v1;

struct ReasonRow {
  RefusalReason reason;
  std::string_view name;
  absl::StatusCode code;
};

constexpr ReasonRow kRows[] = {
    {log_pb::REFUSAL_REASON_OUT_OF_SPACE, "out_of_space", absl::StatusCode::kResourceExhausted},
    {log_pb::REFUSAL_REASON_VOLUME_HELD_BY_OPERATOR, "held_by_operator",
     absl::StatusCode::kFailedPrecondition},
    {log_pb::REFUSAL_REASON_VOLUME_BLIND, "blind", absl::StatusCode::kUnavailable},
    {log_pb::REFUSAL_REASON_VOLUME_FAILED, "volume_failed", absl::StatusCode::kUnavailable},
    {log_pb::REFUSAL_REASON_PROVISIONING, "provisioning", absl::StatusCode::kUnavailable},
    {log_pb::REFUSAL_REASON_UNKNOWN_PARTITION, "unknown_partition", absl::StatusCode::kNotFound},
    {log_pb::REFUSAL_REASON_LOST_DATA, "lost_data", absl::StatusCode::kDataLoss},
    {log_pb::REFUSAL_REASON_BATCH_TOO_LARGE, "batch_too_large", absl::StatusCode::kInvalidArgument},
    {log_pb::REFUSAL_REASON_BATCH_MALFORMED, "batch_malformed", absl::StatusCode::kInvalidArgument},
    {log_pb::REFUSAL_REASON_BATCH_CHECKSUM, "batch_checksum", absl::StatusCode::kInvalidArgument},
    {log_pb::REFUSAL_REASON_OFFSET_OUT_OF_RANGE, "offset_out_of_range",
     absl::StatusCode::kOutOfRange},
    {log_pb::REFUSAL_REASON_SHUTTING_DOWN, "shutting_down", absl::StatusCode::kUnavailable},
    {log_pb::REFUSAL_REASON_OVERLOADED, "overloaded", absl::StatusCode::kUnavailable},
    {log_pb::REFUSAL_REASON_COMMIT_FAILED, "commit_failed", absl::StatusCode::kUnavailable},
    {log_pb::REFUSAL_REASON_BAD_REQUEST, "bad_request", absl::StatusCode::kInvalidArgument},
    {log_pb::REFUSAL_REASON_NO_STEP, "no_step", absl::StatusCode::kUnavailable},
    {log_pb::REFUSAL_REASON_FENCED, "fenced", absl::StatusCode::kUnavailable},
};

const ReasonRow* FindRow(RefusalReason reason) {
  for (const ReasonRow& row : kRows) {
    if (row.reason == reason) return &row;
  }
  return nullptr;
}

RefusalReason ReasonOfCode(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kResourceExhausted:
      return log_pb::REFUSAL_REASON_OUT_OF_SPACE;
    case absl::StatusCode::kOutOfRange:
      return log_pb::REFUSAL_REASON_OFFSET_OUT_OF_RANGE;
    case absl::StatusCode::kDataLoss:
      return log_pb::REFUSAL_REASON_LOST_DATA;
    case absl::StatusCode::kNotFound:
      return log_pb::REFUSAL_REASON_UNKNOWN_PARTITION;
    case absl::StatusCode::kInvalidArgument:
      return log_pb::REFUSAL_REASON_BAD_REQUEST;
    default:
      return log_pb::REFUSAL_REASON_VOLUME_FAILED;
  }
}

}  // namespace

absl::StatusCode CodeOf(RefusalReason reason) {
  const ReasonRow* row = FindRow(reason);
  return row != nullptr ? row->code : absl::StatusCode::kUnavailable;
}

std::string_view NameOf(RefusalReason reason) {
  const ReasonRow* row = FindRow(reason);
  return row != nullptr ? row->name : "unknown";
}

Refusal MakeRefusal(RefusalReason reason, std::string_view message) {
  Refusal refusal;
  refusal.set_reason(reason);
  refusal.set_message(std::string(message));
  refusal.set_grpc_code(static_cast<int>(CodeOf(reason)));
  return refusal;
}

absl::Status StatusOf(const Refusal& refusal) {
  absl::Status status(static_cast<absl::StatusCode>(refusal.grpc_code()), refusal.message());
  daemon::AttachDetail(status, refusal.GetTypeName(), refusal.SerializeAsString());
  return status;
}

Refusal RefusalOfStatus(const absl::Status& status) {
  Refusal refusal =
      MakeRefusal(ReasonOfCode(status.code()), absl::StrFormat("%s", status.message()));
  refusal.set_grpc_code(static_cast<int>(status.code()));
  return refusal;
}

Refusal UnknownPartition(base::PartitionId partition) {
  return MakeRefusal(
      log_pb::REFUSAL_REASON_UNKNOWN_PARTITION,
      absl::StrFormat("partition %016x is not assigned to this SPU; ask the SC where "
                      "it lives",
                      partition.value()));
}

}  // namespace tidemark::spu
