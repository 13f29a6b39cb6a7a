// The partitions of all volumes, as the RPC services see them.
//
// Threading: confined to the loop.
#pragma once

#include <vector>

#include "spu/partition_host.h"
#include "spu/spu_metrics.h"
#include "spu/volume/volume_set.h"

namespace tidemark::spu {

class LocalPartitions final : public PartitionHost {
 public:
  LocalPartitions(const VolumeSet& volumes, const base::Clock& clock, SpuMetrics& metrics,
                  std::int64_t batch_bytes_max)
      : volumes_(volumes), clock_(clock), metrics_(metrics), batch_bytes_max_(batch_bytes_max) {}

  storage::BatchLimits LimitsOf(base::PartitionId partition) const override;
  void Append(AppendCommand command) override;
  void OnAppendRefused(const Refusal& refusal) override { metrics_.OnAppendRefused(refusal); }
  void OnReadRefused(const Refusal& refusal) override { metrics_.OnReadRefused(refusal); }
  void Read(ReadCommand command) override;
  Refusal WhyNotHere(base::PartitionId partition) const override;
  std::optional<Offsets> OffsetsOf(base::PartitionId partition) const override;
  void OffsetForTime(base::PartitionId partition, base::WallMillis time,
                     absl::AnyInvocable<void(absl::StatusOr<base::Offset>)> done) override;
  Subscription OnAdvance(base::PartitionId partition, absl::AnyInvocable<void()> wake) override;
  Subscription OnGate(base::PartitionId partition,
                      absl::AnyInvocable<void(std::optional<Refusal>)> notice) override;
  void Trim(base::PartitionId partition, base::Offset before,
            absl::AnyInvocable<void(TrimResult)> done) override;
  std::vector<tidemark::log::v1::LocalPartition> ListLocal() const override;

 private:
  Partition* Find(base::PartitionId partition) const;

  const VolumeSet& volumes_;
  const base::Clock& clock_;
  SpuMetrics& metrics_;
  const std::int64_t batch_bytes_max_;
};

}  // namespace tidemark::spu
