#include "monitor/verdict_codec.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/fixed_int.h"

namespace tidemark::monitor {
namespace {

constexpr std::uint32_t kRecordVersion = 1;

// Room of the texts, with their two bytes of length.
constexpr std::size_t kMarksSetByBytes = 128;
constexpr std::size_t kBlindReasonBytes = 256;
constexpr std::size_t kWhoBytes = 128;
constexpr std::size_t kWhyBytes = 512;
constexpr std::size_t kDeviceDetailBytes = 512;
constexpr std::size_t kFileSystemBytes = 128;

constexpr std::uint32_t kHasSpace = 1;
constexpr std::uint32_t kHasBlind = 2;
constexpr std::uint32_t kHasOperator = 4;
constexpr std::uint32_t kHasDevice = 8;
constexpr std::uint32_t kHasProof = 16;
constexpr std::uint32_t kSpaceUnproven = 32;
constexpr std::uint32_t kProofCountsInodes = 64;
constexpr std::uint32_t kAllBits = 127;

std::string CutToRoom(std::string text, std::size_t room) {
  std::size_t length = room - 2;
  if (text.size() <= length) return text;
  constexpr unsigned kContinuationMask = 0xC0;
  constexpr unsigned kContinuation = 0x80;
  while (length > 0 &&
         (static_cast<unsigned char>(text[length]) & kContinuationMask) == kContinuation) {
    --length;
  }
  text.resize(length);
  return text;
}

// Writer and Reader have the same calls, so that Walk() below is the only list of fields.
class Writer {
 public:
  void Bits(std::uint32_t& bits) { Put(bits); }
  void Number(std::int64_t& value) { Put(static_cast<std::uint64_t>(value)); }
  void Count(std::int32_t& value) { Put(static_cast<std::uint64_t>(value)); }
  void Time(base::Duration& value) { Put(static_cast<std::uint64_t>(value.count())); }
  template <typename Tag>
  void Number(base::StrongInt<Tag, std::uint64_t>& value) {
    Put(value.value());
  }
  template <typename Enum>
  void Choice(Enum& value, Enum /*last*/) {
    Put(static_cast<std::uint64_t>(value));
  }
  void Uuid(base::Uuid& uuid) {
    std::memcpy(Next(uuid.bytes().size()), uuid.bytes().data(), uuid.bytes().size());
  }
  void Text(std::string& text, std::size_t room) {
    const std::string cut = CutToRoom(text, room);
    std::byte* at = Next(room);
    base::StoreLittleEndian(static_cast<std::uint16_t>(cut.size()), at);
    std::memcpy(at + 2, cut.data(), cut.size());
  }

  std::vector<std::byte> Finish() && {
    TM_CHECK(at_ == kVerdictPayloadBytes);
    return std::move(bytes_);
  }

 private:
  std::byte* Next(std::size_t length) {
    TM_CHECK(at_ + length <= bytes_.size());
    at_ += length;
    return &bytes_[at_ - length];
  }
  template <typename T>
  void Put(T value) {
    base::StoreLittleEndian(value, Next(sizeof value));
  }

  std::vector<std::byte> bytes_ = std::vector<std::byte>(kVerdictPayloadBytes);
  std::size_t at_ = 0;
};

class Reader {
 public:
  // `bytes` are kVerdictPayloadBytes long.
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  void Bits(std::uint32_t& bits) { bits = Get<std::uint32_t>(); }
  void Number(std::int64_t& value) { value = static_cast<std::int64_t>(Get<std::uint64_t>()); }
  void Count(std::int32_t& value) { value = static_cast<std::int32_t>(Get<std::uint64_t>()); }
  void Time(base::Duration& value) {
    value = base::Duration(static_cast<std::int64_t>(Get<std::uint64_t>()));
  }
  template <typename Tag>
  void Number(base::StrongInt<Tag, std::uint64_t>& value) {
    value = base::StrongInt<Tag, std::uint64_t>(Get<std::uint64_t>());
  }
  template <typename Enum>
  void Choice(Enum& value, Enum last) {
    const auto number = Get<std::uint64_t>();
    if (number > static_cast<std::uint64_t>(last)) {
      sound_ = false;
    } else {
      value = static_cast<Enum>(number);
    }
  }
  void Uuid(base::Uuid& uuid) {
    std::array<std::uint8_t, 16> raw;
    std::memcpy(raw.data(), Next(raw.size()), raw.size());
    uuid = base::Uuid(raw);
  }
  void Text(std::string& text, std::size_t room) {
    const std::byte* at = Next(room);
    const auto length = base::LoadLittleEndian<std::uint16_t>(at);
    if (length > room - 2) {
      sound_ = false;
      return;
    }
    text.assign(reinterpret_cast<const char*>(at + 2), length);
  }

  bool sound() const { return sound_; }

 private:
  const std::byte* Next(std::size_t length) {
    TM_CHECK(at_ + length <= bytes_.size());
    at_ += length;
    return &bytes_[at_ - length];
  }
  template <typename T>
  T Get() {
    return base::LoadLittleEndian<T>(Next(sizeof(T)));
  }

  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  bool sound_ = true;
};

// Everything has its place, present or not.
struct Fields {
  std::uint32_t version = kRecordVersion;
  std::uint32_t bits = 0;
  VerdictRecord record;
  SpaceHold space;
  BlindHold blind;
  OperatorHold operator_hold;
  DeviceHold device;
  Proof proof;
};

template <typename Archive>
void WalkMarks(Archive& archive, Marks& marks) {
  for (std::int64_t* mark :
       {&marks.capacity_bytes, &marks.segment_bytes, &marks.step_bytes, &marks.reserve_bytes,
        &marks.full_bytes, &marks.resume_bytes, &marks.low_bytes, &marks.full_inodes,
        &marks.resume_inodes, &marks.low_inodes}) {
    archive.Number(*mark);
  }
}

template <typename Archive>
void WalkProof(Archive& archive, Proof& proof) {
  archive.Number(proof.episode);
  archive.Choice(proof.cause, SpaceCause::kQuota);
  WalkMarks(archive, proof.marks);
  for (std::int64_t* number :
       {&proof.bytes_before, &proof.bytes_after, &proof.inodes_before, &proof.inodes_after,
        &proof.freed_by_us_bytes, &proof.observed_gain_bytes, &proof.steps_taken,
        &proof.steps_bytes, &proof.reserve_bytes}) {
    archive.Number(*number);
  }
  archive.Time(proof.settle);
  archive.Count(proof.readings);
  archive.Time(proof.reading_age_max);
  archive.Time(proof.taking);
  archive.Number(proof.at_wall);
}

// The layout of FORMAT.md, in its order.
template <typename Archive>
void Walk(Archive& archive, Fields& fields) {
  archive.Bits(fields.version);
  archive.Bits(fields.bits);
  archive.Uuid(fields.record.volume);
  archive.Number(fields.record.generation);
  archive.Number(fields.record.episode);
  WalkMarks(archive, fields.record.marks);
  archive.Number(fields.space.episode);
  archive.Number(fields.space.since_wall);
  archive.Choice(fields.space.cause, SpaceCause::kQuota);
  archive.Number(fields.blind.since_wall);
  archive.Number(fields.operator_hold.since_wall);
  archive.Number(fields.device.since_wall);
  archive.Choice(fields.device.cause, DeviceCause::kMissingVolume);
  WalkProof(archive, fields.proof);
  archive.Text(fields.record.marks_set_by, kMarksSetByBytes);
  archive.Text(fields.blind.reason, kBlindReasonBytes);
  archive.Text(fields.operator_hold.who, kWhoBytes);
  archive.Text(fields.operator_hold.why, kWhyBytes);
  archive.Text(fields.device.detail, kDeviceDetailBytes);
  archive.Text(fields.proof.file_system, kFileSystemBytes);
}

Fields Spread(const VerdictRecord& record) {
  Fields fields;
  fields.record = record;
  const auto take = [&fields](const auto& from, auto& to, std::uint32_t bit) {
    if (!from.has_value()) return;
    to = *from;
    fields.bits |= bit;
  };
  take(record.holds.space, fields.space, kHasSpace);
  take(record.holds.blind, fields.blind, kHasBlind);
  take(record.holds.operator_hold, fields.operator_hold, kHasOperator);
  take(record.holds.device, fields.device, kHasDevice);
  take(record.last_proof, fields.proof, kHasProof);
  if (fields.space.unproven) fields.bits |= kSpaceUnproven;
  if (fields.proof.counts_inodes) fields.bits |= kProofCountsInodes;
  return fields;
}

VerdictRecord Gather(Fields fields) {
  const auto has = [&fields](std::uint32_t bit) { return (fields.bits & bit) != 0; };
  fields.space.unproven = has(kSpaceUnproven);
  fields.proof.counts_inodes = has(kProofCountsInodes);
  VerdictRecord record = std::move(fields.record);
  if (has(kHasSpace)) record.holds.space = fields.space;
  if (has(kHasBlind)) record.holds.blind = std::move(fields.blind);
  if (has(kHasOperator)) record.holds.operator_hold = std::move(fields.operator_hold);
  if (has(kHasDevice)) record.holds.device = std::move(fields.device);
  if (has(kHasProof)) record.last_proof = std::move(fields.proof);
  return record;
}

}  // namespace

VerdictRecord DurableForm(VerdictRecord record) {
  const auto cut = [](std::string& text, std::size_t room) {
    text = CutToRoom(std::move(text), room);
  };
  cut(record.marks_set_by, kMarksSetByBytes);
  if (auto& hold = record.holds.blind; hold.has_value()) cut(hold->reason, kBlindReasonBytes);
  if (auto& hold = record.holds.operator_hold; hold.has_value()) {
    cut(hold->who, kWhoBytes);
    cut(hold->why, kWhyBytes);
  }
  if (auto& hold = record.holds.device; hold.has_value()) cut(hold->detail, kDeviceDetailBytes);
  if (record.last_proof.has_value()) cut(record.last_proof->file_system, kFileSystemBytes);
  return record;
}

std::vector<std::byte> EncodeVerdict(const VerdictRecord& record) {
  Fields fields = Spread(record);
  Writer writer;
  Walk(writer, fields);
  return std::move(writer).Finish();
}

absl::StatusOr<VerdictRecord> DecodeVerdict(std::span<const std::byte> payload) {
  if (payload.size() < sizeof(std::uint32_t)) {
    return absl::DataLossError(absl::StrFormat("verdict record has %d bytes", payload.size()));
  }
  const auto version = base::LoadLittleEndian<std::uint32_t>(payload.data());
  if (version > kRecordVersion) {
    return absl::UnimplementedError(absl::StrFormat(
        "verdict record has version %d, this program reads version %d", version, kRecordVersion));
  }
  if (version != kRecordVersion || payload.size() != kVerdictPayloadBytes) {
    return absl::DataLossError(absl::StrFormat("verdict record of version %d has %d of %d bytes",
                                               version, payload.size(), kVerdictPayloadBytes));
  }
  Fields fields;
  Reader reader(payload);
  Walk(reader, fields);
  if (!reader.sound() || (fields.bits & ~kAllBits) != 0) {
    return absl::DataLossError("verdict record holds a value nobody writes");
  }
  return Gather(std::move(fields));
}

}  // namespace tidemark::monitor
