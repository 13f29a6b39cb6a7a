#include "monitor/verdict_slots.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "monitor/verdict_codec.h"

namespace tidemark::monitor {
namespace {

constexpr storage::SlotKind kSlotKind = storage::MakeSlotKind("VRDT");
constexpr int kSlots = 2;

}  // namespace

absl::Status VerdictSlots::Create(storage::FileSystem& file_system, const VolumeLayout& layout,
                                  bool no_cow, const VerdictRecord& first) {
  TM_CHECK(first.generation == base::Generation(0));
  TM_ASSIGN_OR_RETURN(
      auto pair, storage::SlotPair::Create(file_system, layout.verdict_slots(), kSlotKind, no_cow));
  return pair.Write(EncodeVerdict(first));
}

absl::StatusOr<bool> VerdictSlots::WereUsed(storage::FileSystem& file_system,
                                            const VolumeLayout& layout) {
  const auto pair = storage::SlotPair::Open(file_system, layout.verdict_slots(), kSlotKind);
  // Not 8192 bytes: Create() died before it could write a record.
  if (absl::IsDataLoss(pair.status())) return false;
  if (!pair.ok()) return pair.status();
  // The second slot is written by the first change after format, and then never zero again. The
  // first may be torn: by a Create() that died.
  if (pair->empty_slots() == 0) return true;
  if (!pair->newest().has_value()) return false;
  const auto record = DecodeVerdict(*pair->newest());
  return !record.ok() || record->generation != base::Generation(0);
}

absl::StatusOr<VerdictSlots> VerdictSlots::Open(storage::FileSystem& file_system,
                                                const VolumeLayout& layout,
                                                const base::Uuid& volume) {
  TM_ASSIGN_OR_RETURN(auto pair,
                      storage::SlotPair::Open(file_system, layout.verdict_slots(), kSlotKind));
  // What is told from here on must survive a power cut.
  if (absl::Status settled = pair.Settle(); !settled.ok()) {
    return base::Annotate(settled, layout.verdict_slots());
  }
  VerdictSlots slots(std::move(pair));
  LoadedVerdict& loaded = slots.loaded_;
  loaded.unreadable_slots = slots.pair_.unreadable_slots();
  if (const auto& newest = slots.pair_.newest(); newest.has_value()) {
    auto record = DecodeVerdict(*newest);
    if (absl::IsUnimplemented(record.status())) {
      return base::Annotate(record.status(), layout.verdict_slots());
    }
    if (record.ok() && record->volume == volume) {
      slots.newest_generation_ = record->generation;
      loaded.record = *std::move(record);
    } else {
      // Whole, but not ours: then the other slot is no witness either.
      loaded.unreadable_slots = kSlots;
    }
  }
  const bool fresh = loaded.record.has_value() && loaded.record->generation == base::Generation(0);
  if (!fresh) loaded.unreadable_slots += slots.pair_.empty_slots();
  loaded.unreadable_slots = std::min(loaded.unreadable_slots, kSlots);
  return slots;
}

absl::Status VerdictSlots::Write(const VerdictRecord& record) {
  TM_CHECK(!newest_generation_.has_value() || record.generation > *newest_generation_);
  TM_RETURN_IF_ERROR(pair_.Write(EncodeVerdict(record)));
  newest_generation_ = record.generation;
  return absl::OkStatus();
}

}  // namespace tidemark::monitor
