#include "storage/log/partition_state.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/fixed_int.h"
#include "base/status_macros.h"
#include "storage/fs/slot_pair.h"

namespace tidemark::storage {
namespace {

constexpr SlotKind kKind = MakeSlotKind("PART");
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kReasonBytesMax = 512;
constexpr std::size_t kRangesMax = 64;

constexpr std::uint16_t kTombstoneFlag = 1;
constexpr std::uint16_t kCleanEndFlag = 2;
constexpr std::uint16_t kLostDataFlag = 4;
constexpr std::uint16_t kKnownFlags = kTombstoneFlag | kCleanEndFlag | kLostDataFlag;

class Writer {
 public:
  template <typename T>
  void Put(T value) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof(T));
    base::StoreLittleEndian(value, &bytes_[at]);
  }
  void PutOffset(base::Offset offset) { Put(static_cast<std::uint64_t>(offset.value())); }
  void PutText(std::string_view text, std::size_t bytes_max) {
    text = text.substr(0, bytes_max);
    Put(static_cast<std::uint16_t>(text.size()));
    const auto bytes = std::as_bytes(std::span(text));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  std::vector<std::byte> Take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

// Reads zeros once the bytes are used up; ok() tells.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {}
  template <typename T>
  T Get() {
    if (rest_.size() < sizeof(T)) return Fail<T>();
    const T value = base::LoadLittleEndian<T>(rest_.data());
    rest_ = rest_.subspan(sizeof(T));
    return value;
  }
  base::Offset GetOffset() { return base::Offset(static_cast<std::int64_t>(Get<std::uint64_t>())); }
  std::string GetText() {
    const std::size_t size = Get<std::uint16_t>();
    if (rest_.size() < size) return Fail<std::string>();
    std::string text(reinterpret_cast<const char*>(rest_.data()), size);
    rest_ = rest_.subspan(size);
    return text;
  }
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  template <typename T>
  T Fail() {
    ok_ = false;
    rest_ = {};
    return T();
  }
  std::span<const std::byte> rest_;
  bool ok_ = true;
};

// The last range that fits takes in all behind it: more is held than was lost, never less.
std::vector<LostRange> FitRanges(std::vector<LostRange> ranges) {
  if (ranges.size() <= kRangesMax) return ranges;
  for (std::size_t i = kRangesMax; i < ranges.size(); ++i) {
    ranges[kRangesMax - 1].end = std::max(ranges[kRangesMax - 1].end, ranges[i].end);
  }
  ranges.resize(kRangesMax);
  return ranges;
}

std::string StatePath(const std::string& directory) {
  return JoinPath(directory, kPartitionStateFile);
}

}  // namespace

std::vector<std::byte> EncodePartitionState(const PartitionState& state) {
  std::uint16_t flags = 0;
  if (state.tombstone) flags |= kTombstoneFlag;
  if (state.clean_end.has_value()) flags |= kCleanEndFlag;
  if (state.lost_data.has_value()) flags |= kLostDataFlag;
  Writer out;
  out.Put(kVersion);
  out.Put(flags);
  out.Put(state.index);
  out.Put(state.id.value());
  out.PutOffset(state.log_start);
  out.PutOffset(state.clean_end.value_or(base::Offset(0)));
  out.Put(state.leader_epoch);
  out.PutText(state.topic, kTopicNameBytesMax);
  const LostDataHold lost = state.lost_data.value_or(LostDataHold{});
  out.PutText(lost.reason, kReasonBytesMax);
  const std::vector<LostRange> ranges = FitRanges(lost.ranges);
  out.Put(static_cast<std::uint16_t>(ranges.size()));
  for (const LostRange& range : ranges) {
    out.PutOffset(range.first);
    out.PutOffset(range.end);
  }
  std::vector<std::byte> bytes = out.Take();
  TM_CHECK(bytes.size() <= kSlotPayloadBytesMax);
  return bytes;
}

absl::StatusOr<PartitionState> DecodePartitionState(std::span<const std::byte> payload) {
  Reader in(payload);
  if (const auto version = in.Get<std::uint16_t>(); in.ok() && version != kVersion) {
    return absl::DataLossError(
        absl::StrFormat("decode partition state: version %d, expected %d", version, kVersion));
  }
  const auto flags = in.Get<std::uint16_t>();
  PartitionState state;
  state.index = in.Get<std::uint32_t>();
  state.id = base::PartitionId(in.Get<std::uint64_t>());
  state.log_start = in.GetOffset();
  const base::Offset clean_end = in.GetOffset();
  state.leader_epoch = in.Get<std::uint32_t>();
  state.topic = in.GetText();
  LostDataHold lost;
  lost.reason = in.GetText();
  const std::size_t ranges = in.Get<std::uint16_t>();
  for (std::size_t i = 0; i < ranges && in.ok(); ++i) {
    const base::Offset first = in.GetOffset();
    lost.ranges.push_back({first, in.GetOffset()});
  }
  if (!in.ok() || !in.at_end() || (flags & ~kKnownFlags) != 0) {
    return absl::DataLossError(absl::StrFormat(
        "decode partition state: %d bytes, flags %d: not a state", payload.size(), flags));
  }
  state.tombstone = (flags & kTombstoneFlag) != 0;
  if ((flags & kCleanEndFlag) != 0) state.clean_end = clean_end;
  if ((flags & kLostDataFlag) != 0) state.lost_data = std::move(lost);
  return state;
}

absl::Status CreatePartitionState(FileSystem& file_system, const std::string& directory,
                                  const PartitionState& state) {
  const std::string path = StatePath(directory);
  auto slots = SlotPair::Create(file_system, path, kKind, /*no_cow=*/true);
  if (slots.status().code() == absl::StatusCode::kUnimplemented) {
    slots = SlotPair::Create(file_system, path, kKind);
  }
  TM_RETURN_IF_ERROR(slots.status());
  absl::Status status = slots->Write(EncodePartitionState(state));
  if (!status.ok()) file_system.RemoveFile(path).IgnoreError();
  return status;
}

absl::StatusOr<PartitionState> LoadPartitionState(FileSystem& file_system,
                                                  const std::string& directory) {
  const std::string path = StatePath(directory);
  TM_ASSIGN_OR_RETURN(const SlotPair slots, SlotPair::Open(file_system, path, kKind));
  if (!slots.newest().has_value()) {
    return absl::DataLossError(absl::StrFormat("open '%s': no valid state, %d of 2 slots damaged",
                                               path, slots.unreadable_slots()));
  }
  return DecodePartitionState(*slots.newest());
}

absl::Status SavePartitionState(FileSystem& file_system, const std::string& directory,
                                const PartitionState& state) {
  TM_ASSIGN_OR_RETURN(SlotPair slots, SlotPair::Open(file_system, StatePath(directory), kKind));
  return slots.Write(EncodePartitionState(state));
}

}  // namespace tidemark::storage
