// A small record that must be updated on a full disk and survive a kill at any moment: two 4 KiB
// slots in one file, allocated once, overwritten alternately, each under a CRC.
//
// Used for the verdict of a volume, the state of a partition and the identity of an SPU; each of
// them only encodes and decodes its payload.
//
//   slot:  0 magic "TMSLOT1\0" | 8 crc32c of [12, 4096) | 12 kind | 16 sequence | 24 payload length
//   |
//          28 zero | 32 payload … zero padding
//
// A write goes to the slot that does not hold the newest record, then fdatasync: a torn write can
// spoil only what was being written. It needs no allocation, no rename and no new directory entry.
//
// Lifetime:  owns the open file. Outlived by the FileSystem.
// Threading: confined to one thread at a time; every call but the accessors blocks on the disk.
// Errors:    Open → kNotFound, kDataLoss (not 8192 bytes), or errno statuses. A failed Write leaves
//            the state of the disk unknown: the pair refuses every later Write with the same error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "storage/fs/file_system.h"

namespace tidemark::storage {

inline constexpr std::size_t kSlotBytes = 4096;
inline constexpr std::size_t kSlotPayloadBytesMax = kSlotBytes - 32;

// Four letters that say what the payload is, so that a file copied to the wrong name is refused.
using SlotKind = std::uint32_t;
constexpr SlotKind MakeSlotKind(const char (&letters)[5]) {
  return static_cast<SlotKind>(static_cast<unsigned char>(letters[0])) |
         static_cast<SlotKind>(static_cast<unsigned char>(letters[1])) << 8 |
         static_cast<SlotKind>(static_cast<unsigned char>(letters[2])) << 16 |
         static_cast<SlotKind>(static_cast<unsigned char>(letters[3])) << 24;
}

enum class SlotState : std::uint8_t { kEmpty, kValid, kUnreadable };

// One slot as bytes, both ways. Pure.
std::vector<std::byte> EncodeSlot(SlotKind kind, std::uint64_t sequence,
                                  std::span<const std::byte> payload);
struct DecodedSlot {
  SlotState state = SlotState::kUnreadable;
  std::uint64_t sequence = 0;
  std::vector<std::byte> payload;
};
DecodedSlot DecodeSlot(SlotKind kind, std::span<const std::byte> slot);

class SlotPair {
 public:
  // Makes the file, really allocated and zero, and syncs it. The caller syncs the directory.
  // `no_cow`: also asks for FS_NOCOW_FL, without which a full btrfs refuses overwrites.
  static absl::StatusOr<SlotPair> Create(FileSystem& file_system, const std::string& path,
                                         SlotKind kind, bool no_cow = false);
  static absl::StatusOr<SlotPair> Open(FileSystem& file_system, const std::string& path,
                                       SlotKind kind);

  // The valid payload with the highest sequence; nullopt if there is none.
  const std::optional<std::vector<std::byte>>& newest() const { return newest_; }
  // Slots that hold something which is not a valid record: a torn write, or damage.
  int unreadable_slots() const { return unreadable_slots_; }
  // Slots that are all zero: never written, or wiped.
  int empty_slots() const { return empty_slots_; }

  absl::Status Write(std::span<const std::byte> payload);

  // When it returns OK, newest() is on the disk. What was read may have come out of the page cache
  // alone: of a process killed between its write and its sync, or whose sync failed. Then a sync
  // would not be enough (the kernel takes the pages for clean): the record is written over itself.
  // Does nothing where there is none.
  absl::Status Settle();

 private:
  SlotPair(std::unique_ptr<File> file, SlotKind kind) : file_(std::move(file)), kind_(kind) {}

  std::unique_ptr<File> file_;
  SlotKind kind_;
  std::uint64_t sequence_ = 0;   // of the newest record
  std::size_t newest_slot_ = 1;  // so that the first write goes to slot 0
  int unreadable_slots_ = 0;
  int empty_slots_ = 2;
  std::optional<std::vector<std::byte>> newest_;
  absl::Status failed_;
};

}  // namespace tidemark::storage
