#include "storage/segment/index_file.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/crc32c.h"
#include "base/fixed_int.h"
#include "base/status_macros.h"
#include "storage/segment/segment_name.h"
#include "storage/segment/space_cost.h"

namespace tidemark::storage {
namespace {

using base::LoadLittleEndian;
using base::StoreLittleEndian;

constexpr char kIndexMagic[4] = {'T', 'M', 'I', 'X'};
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kVersionAt = 4;
constexpr std::size_t kCrcAt = 8;
constexpr std::size_t kCountAt = 12;
constexpr std::size_t kBaseAt = 16;
constexpr std::size_t kEndAt = 24;
constexpr std::size_t kDataEndAt = 32;
constexpr std::size_t kMaxTimestampAt = 40;
constexpr std::size_t kEntriesAt = 48;
constexpr std::size_t kEntryBytes = 24;
constexpr std::size_t kFileBytesMax = 64 * 1024 * 1024;

void StoreSigned(std::int64_t value, std::byte* at) {
  StoreLittleEndian(static_cast<std::uint64_t>(value), at);
}
std::int64_t LoadSigned(const std::byte* at) {
  return static_cast<std::int64_t>(LoadLittleEndian<std::uint64_t>(at));
}

// An entry that led a reader astray would be worse than none.
absl::Status CheckOrder(const std::vector<IndexEntry>& entries, const ClosedSegmentIndex& index) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const bool inside = entries[i].offset >= index.base_offset &&
                        entries[i].offset < index.end_offset &&
                        entries[i].position < index.data_end;
    const bool ascends = i == 0 ? entries[i].position == base::FilePosition(0)
                                : entries[i].offset > entries[i - 1].offset &&
                                      entries[i].position > entries[i - 1].position;
    if (!inside || !ascends) {
      return absl::DataLossError(
          absl::StrFormat("decode index: entry %d (offset %d, position %d) is out of order", i,
                          entries[i].offset.value(), entries[i].position.value()));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::int64_t IndexFileBytes(std::size_t entry_count) {
  return static_cast<std::int64_t>(kEntriesAt + entry_count * kEntryBytes);
}

std::vector<std::byte> EncodeIndex(const ClosedSegmentIndex& index) {
  const auto entries = index.index.entries();
  std::vector<std::byte> bytes(static_cast<std::size_t>(IndexFileBytes(entries.size())));
  std::memcpy(bytes.data(), kIndexMagic, sizeof kIndexMagic);
  StoreLittleEndian(kVersion, &bytes[kVersionAt]);
  StoreLittleEndian(static_cast<std::uint32_t>(entries.size()), &bytes[kCountAt]);
  StoreSigned(index.base_offset.value(), &bytes[kBaseAt]);
  StoreSigned(index.end_offset.value(), &bytes[kEndAt]);
  StoreSigned(index.data_end.value(), &bytes[kDataEndAt]);
  StoreSigned(index.index.max_timestamp(), &bytes[kMaxTimestampAt]);
  std::byte* at = bytes.data() + kEntriesAt;
  for (const IndexEntry& entry : entries) {
    StoreSigned(entry.offset.value(), at);
    StoreSigned(entry.position.value(), at + 8);
    StoreSigned(entry.max_timestamp_before, at + 16);
    at += kEntryBytes;
  }
  StoreLittleEndian(base::Crc32c(std::span<const std::byte>(bytes).subspan(kCountAt)),
                    &bytes[kCrcAt]);
  return bytes;
}

absl::StatusOr<ClosedSegmentIndex> DecodeIndex(std::span<const std::byte> bytes) {
  if (bytes.size() < kEntriesAt ||
      std::memcmp(bytes.data(), kIndexMagic, sizeof kIndexMagic) != 0) {
    return absl::DataLossError(
        absl::StrFormat("decode index: no index header in %d bytes", bytes.size()));
  }
  if (const auto version = LoadLittleEndian<std::uint32_t>(&bytes[kVersionAt]);
      version != kVersion) {
    return absl::DataLossError(
        absl::StrFormat("decode index: version %d, expected %d", version, kVersion));
  }
  const std::size_t count = LoadLittleEndian<std::uint32_t>(&bytes[kCountAt]);
  if (bytes.size() != kEntriesAt + count * kEntryBytes) {
    return absl::DataLossError(
        absl::StrFormat("decode index: %d entries in %d bytes", count, bytes.size()));
  }
  const std::uint32_t crc = base::Crc32c(bytes.subspan(kCountAt));
  if (crc != LoadLittleEndian<std::uint32_t>(&bytes[kCrcAt])) {
    return absl::DataLossError("decode index: checksum wrong");
  }
  ClosedSegmentIndex index;
  index.base_offset = base::Offset(LoadSigned(&bytes[kBaseAt]));
  index.end_offset = base::Offset(LoadSigned(&bytes[kEndAt]));
  index.data_end = base::FilePosition(LoadSigned(&bytes[kDataEndAt]));
  std::vector<IndexEntry> entries(count);
  const std::byte* at = bytes.data() + kEntriesAt;
  for (IndexEntry& entry : entries) {
    entry = {base::Offset(LoadSigned(at)), base::FilePosition(LoadSigned(at + 8)),
             LoadSigned(at + 16)};
    at += kEntryBytes;
  }
  TM_RETURN_IF_ERROR(CheckOrder(entries, index));
  index.index = SparseIndex::FromEntries(std::move(entries), LoadSigned(&bytes[kMaxTimestampAt]));
  return index;
}

absl::Status WriteIndexFile(FileSystem& file_system, const std::string& directory,
                            const ClosedSegmentIndex& index) {
  const std::string path = JoinPath(directory, IndexFileName(index.base_offset));
  file_system.RemoveFile(path).IgnoreError();  // usually there is none
  std::vector<std::byte> bytes = EncodeIndex(index);
  const auto write = [&]() -> absl::Status {
    TM_ASSIGN_OR_RETURN(const auto file, file_system.Open(path, OpenMode::kCreate));
    TM_RETURN_IF_ERROR(file->Allocate(base::FilePosition(0), std::ssize(bytes)));
    const iovec slice{bytes.data(), bytes.size()};
    return file->WriteAt(base::FilePosition(0), {&slice, 1});
  };
  // Not synced: after a power cut its checksum tells.
  absl::Status status = write();
  if (!status.ok()) file_system.RemoveFile(path).IgnoreError();
  return status;
}

absl::StatusOr<ClosedSegmentIndex> ReadIndexFile(FileSystem& file_system,
                                                 const std::string& directory,
                                                 base::Offset base_offset) {
  const std::string path = JoinPath(directory, IndexFileName(base_offset));
  TM_ASSIGN_OR_RETURN(const auto file, file_system.Open(path, OpenMode::kRead));
  TM_ASSIGN_OR_RETURN(const FileStat stat, file->Stat());
  if (stat.size > static_cast<std::int64_t>(kFileBytesMax)) {
    return absl::DataLossError(absl::StrFormat("read '%s': %d bytes are no index, limit %d", path,
                                               stat.size, kFileBytesMax));
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(stat.size));
  TM_ASSIGN_OR_RETURN(const std::size_t got, file->ReadAt(base::FilePosition(0), bytes));
  bytes.resize(got);
  TM_ASSIGN_OR_RETURN(ClosedSegmentIndex index, DecodeIndex(bytes));
  if (index.base_offset != base_offset) {
    return absl::DataLossError(absl::StrFormat("read '%s': it is the index of segment %d", path,
                                               index.base_offset.value()));
  }
  return index;
}

}  // namespace tidemark::storage
