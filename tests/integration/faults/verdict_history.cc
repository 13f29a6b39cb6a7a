#include "tests/integration/faults/verdict_history.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_format.h"
#include "monitor/verdict_codec.h"

namespace tidemark::faults {
namespace {

constexpr storage::SlotKind kVerdictKind = storage::MakeSlotKind("VRDT");

std::optional<monitor::VerdictRecord> Decode(std::span<const std::byte> bytes) {
  const storage::DecodedSlot slot = storage::DecodeSlot(kVerdictKind, bytes);
  if (slot.state != storage::SlotState::kValid) return std::nullopt;
  auto record = monitor::DecodeVerdict(slot.payload);
  if (!record.ok()) return std::nullopt;
  return *std::move(record);
}

// Empty: allowed.
std::string WhatIsForbidden(const monitor::VerdictRecord& from, const monitor::VerdictRecord& to) {
  if (to.volume != from.volume) return "it is of another volume";
  if (to.generation <= from.generation) return "the generation did not grow";
  if (to.episode < from.episode) return "the episode went back";
  if (!from.holds.space || to.holds.space) return "";
  if (!to.last_proof) return "the space hold has gone without a proof";
  if (to.last_proof->episode < from.holds.space->episode) {
    return "the space hold has gone with the proof of an earlier episode";
  }
  if (from.last_proof && from.last_proof->at_wall == to.last_proof->at_wall &&
      from.last_proof->episode == to.last_proof->episode) {
    return "the space hold has gone with a proof that had been used before";
  }
  if (const std::string defect = monitor::FindProofDefect(*to.last_proof); !defect.empty()) {
    return absl::StrFormat("the space hold has gone with a proof that is none: %s", defect);
  }
  return "";
}

}  // namespace

VerdictHistory::VerdictHistory(const std::vector<NotedCall>& calls, const std::string& slots_path,
                               const std::vector<std::uint64_t>& power_cuts) {
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const NotedCall& call = calls[i];
    if (!call.done || call.path != slots_path) continue;
    if (call.call == Call::kSync) OnSync(call, i, power_cuts);
    if (call.call == Call::kWrite && call.succeeded()) OnWrite(call, i);
  }
}

// All pieces of a short write make the record, and the last of them dates it.
void VerdictHistory::OnWrite(const NotedCall& write, std::uint64_t at) {
  const auto position = static_cast<std::size_t>(write.position);
  const std::size_t slot = position / storage::kSlotBytes;
  const std::size_t from = position % storage::kSlotBytes;
  if (slot >= slots_.size() || from + write.written.size() > storage::kSlotBytes) return;
  std::ranges::copy(std::as_bytes(write.written), slots_[slot].begin() + from);
  if (auto record = Decode(slots_[slot])) OnRecord(*std::move(record), at);
}

// Generation 0 is what format wrote: no verdict yet.
void VerdictHistory::OnRecord(monitor::VerdictRecord record, std::uint64_t at) {
  if (record.generation == base::Generation(0)) return;
  const auto same = std::ranges::find(verdicts_, record, &WrittenVerdict::record);
  if (same == verdicts_.end()) {
    verdicts_.push_back({.record = std::move(record), .written_at = at});
  } else if (same->durable_at == kNever) {
    same->written_at = at;
    same->lost = false;
  }
}

// The first sync that covers a write decides about it for ever: see power_cut.h.
void VerdictHistory::OnSync(const NotedCall& sync, std::uint64_t at,
                            const std::vector<std::uint64_t>& power_cuts) {
  for (WrittenVerdict& verdict : verdicts_) {
    if (verdict.durable_at != kNever || verdict.lost) continue;
    if (verdict.written_at >= sync.notes_before) continue;
    verdict.lost = !sync.succeeded() || std::ranges::any_of(power_cuts, [&](std::uint64_t cut) {
      return verdict.written_at < cut && cut <= at;
    });
    if (!verdict.lost) verdict.durable_at = at;
  }
}

std::vector<std::string> VerdictHistory::ForbiddenTransitions() const {
  std::vector<std::string> findings;
  const WrittenVerdict* from = nullptr;
  for (const WrittenVerdict& to : verdicts_) {
    if (from != nullptr) {
      if (const std::string why = WhatIsForbidden(from->record, to.record); !why.empty()) {
        findings.push_back(absl::StrFormat(
            "verdict generation %d (%s) → generation %d (%s): %s", from->record.generation.value(),
            monitor::DescribeHolds(from->record.holds), to.record.generation.value(),
            monitor::DescribeHolds(to.record.holds), why));
      }
    }
    // What never became durable may have been lost, and its number be given again.
    if (to.durable_at != kNever) from = &to;
  }
  return findings;
}

const WrittenVerdict* VerdictHistory::DurableGeneration(base::Generation generation,
                                                        std::uint64_t position) const {
  const auto found = std::ranges::find_if(verdicts_, [&](const WrittenVerdict& verdict) {
    return verdict.record.generation == generation && verdict.durable_at < position;
  });
  return found == verdicts_.end() ? nullptr : &*found;
}

bool VerdictHistory::WasReady(std::uint64_t begin, std::uint64_t end) const {
  const WrittenVerdict* newest = nullptr;
  for (const WrittenVerdict& verdict : verdicts_) {
    if (verdict.durable_at >= end) continue;
    // Durable somewhere inside the window, and ready: that is such a moment.
    if (verdict.durable_at >= begin && verdict.record.holds.empty()) return true;
    if (verdict.durable_at < begin) newest = &verdict;
  }
  return newest != nullptr && newest->record.holds.empty();
}

}  // namespace tidemark::faults
