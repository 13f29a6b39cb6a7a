#include "spu/local_partitions.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"

namespace tidemark::spu {

Partition* LocalPartitions::Find(base::PartitionId partition) const {
  Volume* volume = volumes_.WithPartition(partition);
  return volume == nullptr ? nullptr : volume->Find(partition);
}

Refusal LocalPartitions::WhyNotHere(base::PartitionId id) const {
  namespace log_pb = tidemark::log::v1;
  if (const Volume* volume = volumes_.Keeping(id); volume != nullptr) {
    const auto unopened = volume->unopened().find(id);
    if (unopened == volume->unopened().end()) {
      return MakeRefusal(
          log_pb::REFUSAL_REASON_PROVISIONING,
          absl::StrFormat("partition %016x is being made or deleted just now", id.value()));
    }
    const absl::Status& why = unopened->second;
    log_pb::RefusalReason reason = log_pb::REFUSAL_REASON_VOLUME_FAILED;
    if (absl::IsDataLoss(why)) reason = log_pb::REFUSAL_REASON_LOST_DATA;
    if (Volume::MayOpenLater(why)) reason = log_pb::REFUSAL_REASON_PROVISIONING;
    return MakeRefusal(reason, absl::StrFormat("partition %016x could not be opened: %s",
                                               id.value(), why.message()));
  }
  // What is not known to be here may be where nobody can look (yet).
  if (!volumes_.all_settled()) {
    return MakeRefusal(
        log_pb::REFUSAL_REASON_PROVISIONING,
        absl::StrFormat("partition %016x is not open yet: the SPU opens its volumes", id.value()));
  }
  if (const std::string closed = volumes_.DescribeClosed(); !closed.empty()) {
    return MakeRefusal(log_pb::REFUSAL_REASON_VOLUME_FAILED,
                       absl::StrFormat("partition %016x is not here, unless on a volume that could "
                                       "not be opened: %s",
                                       id.value(), closed));
  }
  return UnknownPartition(id);
}

storage::BatchLimits LocalPartitions::LimitsOf(base::PartitionId id) const {
  if (const Partition* partition = Find(id)) return partition->log().options().limits;
  // Not known which: what the roomiest volume takes.
  storage::BatchLimits limits;
  std::int64_t most = 0;
  for (const auto& volume : volumes_.all()) most = std::max(most, volume->batch_bytes_max());
  limits.batch_bytes_max = most > 0 ? std::min(most, batch_bytes_max_) : batch_bytes_max_;
  return limits;
}

void LocalPartitions::Append(AppendCommand command) {
  command.done = [this, began = clock_.Now(), bytes = command.batch.size(),
                  done = std::move(command.done)](AppendResult result) mutable {
    metrics_.OnAppend(result, bytes, clock_.Now() - began);
    done(std::move(result));
  };
  if (Volume* volume = volumes_.WithPartition(command.partition)) {
    return volume->Append(std::move(command));
  }
  AppendResult result;
  result.refusal = WhyNotHere(command.partition);
  command.done(std::move(result));
}

void LocalPartitions::Read(ReadCommand command) {
  command.done = [this, done = std::move(command.done)](ReadResult result) mutable {
    if (result.refusal.has_value()) metrics_.OnReadRefused(*result.refusal);
    done(std::move(result));
  };
  if (Partition* partition = Find(command.partition)) return partition->Read(std::move(command));
  ReadResult result;
  result.refusal = WhyNotHere(command.partition);
  command.done(std::move(result));
}

std::optional<Offsets> LocalPartitions::OffsetsOf(base::PartitionId id) const {
  const Partition* partition = Find(id);
  if (partition == nullptr) return std::nullopt;
  const storage::PartitionLog& log = partition->log();
  return Offsets{log.LogStart(), log.DurableEnd(), log.WrittenEnd()};
}

void LocalPartitions::OffsetForTime(base::PartitionId id, base::WallMillis time,
                                    absl::AnyInvocable<void(absl::StatusOr<base::Offset>)> done) {
  if (Partition* partition = Find(id)) return partition->OffsetForTime(time, std::move(done));
  done(StatusOf(WhyNotHere(id)));
}

Subscription LocalPartitions::OnAdvance(base::PartitionId id, absl::AnyInvocable<void()> wake) {
  Partition* partition = Find(id);
  return partition == nullptr ? Subscription() : partition->advance().Add(std::move(wake));
}

Subscription LocalPartitions::OnGate(base::PartitionId id,
                                     absl::AnyInvocable<void(std::optional<Refusal>)> notice) {
  Partition* partition = Find(id);
  return partition == nullptr ? Subscription() : partition->gate().Add(std::move(notice));
}

void LocalPartitions::Trim(base::PartitionId id, base::Offset before,
                           absl::AnyInvocable<void(TrimResult)> done) {
  auto counted = [this, done = std::move(done)](TrimResult result) mutable {
    if (result.refusal.has_value()) metrics_.OnTrimRefused(*result.refusal);
    done(std::move(result));
  };
  if (Partition* partition = Find(id)) return partition->Trim(before, std::move(counted));
  TrimResult result;
  result.refusal = WhyNotHere(id);
  counted(std::move(result));
}

std::vector<tidemark::log::v1::LocalPartition> LocalPartitions::ListLocal() const {
  std::vector<tidemark::log::v1::LocalPartition> list;
  for (const auto& volume : volumes_.all()) {
    const std::optional<Refusal> closed = volume->WhyClosed();
    for (const auto& [id, partition] : volume->partitions()) {
      const storage::PartitionLog& log = partition->log();
      auto& entry = list.emplace_back();
      entry.set_id(id.value());
      entry.set_topic(log.state().topic);
      entry.set_index(static_cast<std::int32_t>(log.state().index));
      entry.set_volume(volume->uuid().ToString());
      entry.set_log_start(log.LogStart().value());
      entry.set_durable_end(log.DurableEnd().value());
      entry.set_size_bytes(log.allocated_bytes());
      entry.set_accepting(volume->admits() && partition->assigned && !log.failed());
      entry.set_unclaimed(!partition->assigned);
      if (closed.has_value()) *entry.mutable_why() = *closed;
    }
  }
  return list;
}

}  // namespace tidemark::spu
