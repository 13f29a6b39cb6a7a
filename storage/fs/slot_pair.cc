#include "storage/fs/slot_pair.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "base/errno_status.h"
#include "base/fixed_int.h"
#include "base/status_macros.h"

namespace tidemark::storage {
namespace {

constexpr char kMagic[8] = {'T', 'M', 'S', 'L', 'O', 'T', '1', '\0'};
constexpr std::size_t kCrcAt = 8;
constexpr std::size_t kKindAt = 12;
constexpr std::size_t kSequenceAt = 16;
constexpr std::size_t kLengthAt = 24;
constexpr std::size_t kPayloadAt = 32;
constexpr std::int64_t kFileBytes = 2 * static_cast<std::int64_t>(kSlotBytes);

base::FilePosition PositionOf(std::size_t slot) {
  return base::FilePosition(static_cast<std::int64_t>(slot * kSlotBytes));
}

absl::Status WriteSlot(File& file, std::size_t slot, std::vector<std::byte> bytes) {
  const iovec slice{bytes.data(), bytes.size()};
  TM_RETURN_IF_ERROR(file.WriteAt(PositionOf(slot), {&slice, 1}));
  return file.SyncData();
}

}  // namespace

std::vector<std::byte> EncodeSlot(SlotKind kind, std::uint64_t sequence,
                                  std::span<const std::byte> payload) {
  TM_CHECK(payload.size() <= kSlotPayloadBytesMax);
  std::vector<std::byte> slot(kSlotBytes);
  std::memcpy(slot.data(), kMagic, sizeof kMagic);
  base::StoreLittleEndian(kind, &slot[kKindAt]);
  base::StoreLittleEndian(sequence, &slot[kSequenceAt]);
  base::StoreLittleEndian(static_cast<std::uint32_t>(payload.size()), &slot[kLengthAt]);
  std::copy(payload.begin(), payload.end(), slot.begin() + kPayloadAt);
  base::StoreLittleEndian(base::Crc32c(std::span(slot).subspan(kKindAt)), &slot[kCrcAt]);
  return slot;
}

DecodedSlot DecodeSlot(SlotKind kind, std::span<const std::byte> slot) {
  DecodedSlot decoded;
  if (slot.size() != kSlotBytes) return decoded;
  if (std::all_of(slot.begin(), slot.end(), [](std::byte b) { return b == std::byte{0}; })) {
    decoded.state = SlotState::kEmpty;
    return decoded;
  }
  const auto length = base::LoadLittleEndian<std::uint32_t>(&slot[kLengthAt]);
  if (std::memcmp(slot.data(), kMagic, sizeof kMagic) != 0 ||
      base::LoadLittleEndian<std::uint32_t>(&slot[kCrcAt]) != base::Crc32c(slot.subspan(kKindAt)) ||
      base::LoadLittleEndian<std::uint32_t>(&slot[kKindAt]) != kind ||
      length > kSlotPayloadBytesMax) {
    return decoded;
  }
  decoded.state = SlotState::kValid;
  decoded.sequence = base::LoadLittleEndian<std::uint64_t>(&slot[kSequenceAt]);
  const auto payload = slot.subspan(kPayloadAt, length);
  decoded.payload.assign(payload.begin(), payload.end());
  return decoded;
}

absl::StatusOr<SlotPair> SlotPair::Create(FileSystem& file_system, const std::string& path,
                                          SlotKind kind, bool no_cow) {
  TM_ASSIGN_OR_RETURN(auto file, file_system.Open(path, OpenMode::kCreate));
  const auto fill = [&]() -> absl::Status {
    if (no_cow) TM_RETURN_IF_ERROR(file->SetNoCow());
    TM_RETURN_IF_ERROR(file->Allocate(base::FilePosition(0), kFileBytes));
    std::vector<std::byte> zeros(static_cast<std::size_t>(kFileBytes));
    const iovec slice{zeros.data(), zeros.size()};
    TM_RETURN_IF_ERROR(file->WriteAt(base::FilePosition(0), {&slice, 1}));
    return file->SyncAll();
  };
  if (absl::Status status = fill(); !status.ok()) {
    // What could be made half must not stay: the next try has to find nothing.
    file_system.RemoveFile(path).IgnoreError();
    return status;
  }
  return SlotPair(std::move(file), kind);
}

absl::StatusOr<SlotPair> SlotPair::Open(FileSystem& file_system, const std::string& path,
                                        SlotKind kind) {
  TM_ASSIGN_OR_RETURN(auto file, file_system.Open(path, OpenMode::kReadWrite));
  file->ForgetCached();  // an earlier process may have failed to sync what it wrote
  SlotPair pair(std::move(file), kind);
  pair.empty_slots_ = 0;
  for (std::size_t slot = 0; slot < 2; ++slot) {
    std::array<std::byte, kSlotBytes> bytes;
    TM_ASSIGN_OR_RETURN(const std::size_t got, pair.file_->ReadAt(PositionOf(slot), bytes));
    if (got != kSlotBytes) {
      return absl::DataLossError(
          absl::StrFormat("open '%s': slot %d has %d of %d bytes", path, slot, got, kSlotBytes));
    }
    DecodedSlot decoded = DecodeSlot(kind, bytes);
    if (decoded.state == SlotState::kUnreadable) ++pair.unreadable_slots_;
    if (decoded.state == SlotState::kEmpty) ++pair.empty_slots_;
    if (decoded.state != SlotState::kValid) continue;
    if (pair.newest_.has_value() && decoded.sequence <= pair.sequence_) continue;
    pair.sequence_ = decoded.sequence;
    pair.newest_slot_ = slot;
    pair.newest_ = std::move(decoded.payload);
  }
  return pair;
}

absl::Status SlotPair::Settle() {
  if (!failed_.ok() || !newest_.has_value()) return failed_;
  failed_ = WriteSlot(*file_, newest_slot_, EncodeSlot(kind_, sequence_, *newest_));
  return failed_;
}

absl::Status SlotPair::Write(std::span<const std::byte> payload) {
  if (!failed_.ok()) return failed_;
  const std::size_t slot = 1 - newest_slot_;
  if (absl::Status status = WriteSlot(*file_, slot, EncodeSlot(kind_, sequence_ + 1, payload));
      !status.ok()) {
    failed_ =
        base::Annotate(status, "an earlier write of this record failed, its state is unknown");
    return status;
  }
  ++sequence_;
  newest_slot_ = slot;
  newest_.emplace(payload.begin(), payload.end());
  return absl::OkStatus();
}

}  // namespace tidemark::storage
