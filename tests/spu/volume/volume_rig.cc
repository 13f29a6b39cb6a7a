#include "tests/spu/volume/volume_rig.h"

#include "storage/codec/record_reader.h"

namespace tidemark::spu {
namespace {

void CollectValues(const storage::Buffer& batches, std::vector<std::string>& values) {
  std::span<const std::byte> left = batches.bytes();
  while (!left.empty()) {
    const auto examined = storage::ExamineBatch(left, storage::BatchDepth::kBody);
    ASSERT_FALSE(examined.defect.has_value());
    storage::RecordReader reader(examined.header, left.first(examined.header.length_bytes));
    storage::Record record;
    while (reader.Next(record)) values.push_back(support::AsText(record.value));
    ASSERT_FALSE(reader.defect().has_value());
    left = left.subspan(examined.header.length_bytes);
  }
}

}  // namespace

std::vector<std::string> VolumeRig::ReadAll(std::uint64_t id) {
  std::vector<std::string> values;
  base::Offset next = OnLoop<base::Offset>(
      [id](Volume& v) { return v.Find(base::PartitionId(id))->log().LogStart(); });
  for (;;) {
    std::promise<ReadResult> promise;
    loop_->Run([&] {
      volume_->Find(base::PartitionId(id))
          ->Read({base::PartitionId(id), next, base::kMiB, Isolation::kDurable,
                  [&](ReadResult result) { promise.set_value(std::move(result)); }});
    });
    const ReadResult result = promise.get_future().get();
    // A reclaim that is still running dropped what comes next: from where the log begins now.
    if (result.refusal.has_value() && result.refusal->log_start() > next.value()) {
      values.clear();
      next = base::Offset(result.refusal->log_start());
      continue;
    }
    EXPECT_FALSE(result.refusal.has_value()) << result.refusal->ShortDebugString();
    if (result.refusal.has_value() || result.records.empty()) return values;
    CollectValues(result.records, values);
    next = result.next;
  }
}

VolumeRig::Filled VolumeRig::Fill(std::uint64_t id) {
  constexpr int kBatch = 64;
  constexpr int kBatchesMax = 100'000;
  Filled filled;
  for (int n = 0; n < kBatchesMax; ++n) {
    AppendResult result =
        Append(id, {.records = kBatch, .value_bytes = 1000, .tag = absl::StrFormat("b%d-", n)});
    if (result.refusal.has_value()) {
      filled.refusal = *std::move(result.refusal);
      return filled;
    }
    filled.acknowledged += kBatch;
  }
  ADD_FAILURE() << "the volume never filled";
  return filled;
}

}  // namespace tidemark::spu
