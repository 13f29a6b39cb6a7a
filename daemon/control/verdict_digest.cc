#include "daemon/control/verdict_digest.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace tidemark::daemon {
namespace {

// Enough for a verdict with its proof: it is made for every reading.
constexpr std::size_t kUsualBytes = 512;

// Fields in a fixed order, each with a length or an end, so that no two contents give one string.
class CanonicalText {
 public:
  CanonicalText() { text_.reserve(kUsualBytes); }
  CanonicalText& Number(std::int64_t value) { return Append(value, ';'); }
  CanonicalText& Unsigned(std::uint64_t value) { return Append(value, ';'); }
  CanonicalText& Text(const std::string& value) {
    Append(value.size(), ':');
    text_.append(value).push_back(';');
    return *this;
  }
  std::string Take() { return std::move(text_); }

 private:
  template <typename Integer>
  CanonicalText& Append(Integer value, char end) {
    std::array<char, 24> digits;
    char* const last = std::to_chars(digits.begin(), digits.end() - 1, value).ptr;
    *last = end;
    text_.append(digits.data(), last + 1);
    return *this;
  }

  std::string text_;
};

void AppendMarks(const space::v1::Marks& marks, CanonicalText& out) {
  out.Number(marks.full_bytes()).Number(marks.resume_bytes()).Number(marks.low_bytes());
  out.Number(marks.full_inodes()).Number(marks.resume_inodes()).Number(marks.low_inodes());
  out.Number(marks.reserve_bytes()).Number(marks.step_bytes()).Number(marks.segment_bytes());
  out.Number(marks.capacity_bytes());
}

void AppendProof(const space::v1::Proof& proof, CanonicalText& out) {
  out.Unsigned(proof.episode()).Number(proof.cause()).Number(proof.readings());
  AppendMarks(proof.marks(), out);
  out.Number(proof.bytes_before()).Number(proof.bytes_after());
  out.Number(proof.inodes_before()).Number(proof.inodes_after()).Number(proof.counts_inodes());
  out.Number(proof.steps_taken()).Number(proof.steps_bytes()).Number(proof.reserve_bytes());
}

// FNV-1a: both sides must get the same number from any compiler, for ever.
std::uint64_t Hash(const std::string& text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) {
    hash ^= static_cast<std::uint8_t>(c);
    hash *= 1099511628211ULL;
  }
  return hash;
}

}  // namespace

std::vector<space::v1::HoldKind> HoldKindsOf(const space::v1::Holds& holds) {
  std::vector<space::v1::HoldKind> kinds;
  for (const int kind : holds.held()) kinds.push_back(static_cast<space::v1::HoldKind>(kind));
  if (holds.has_space()) kinds.push_back(space::v1::HOLD_KIND_SPACE);
  if (holds.has_blind()) kinds.push_back(space::v1::HOLD_KIND_BLIND);
  if (holds.has_operator_()) kinds.push_back(space::v1::HOLD_KIND_OPERATOR);
  if (holds.has_device()) kinds.push_back(space::v1::HOLD_KIND_DEVICE);
  std::sort(kinds.begin(), kinds.end());
  kinds.erase(std::unique(kinds.begin(), kinds.end()), kinds.end());
  return kinds;
}

bool HoldsKind(const space::v1::Holds& holds, space::v1::HoldKind kind) {
  const auto kinds = HoldKindsOf(holds);
  return std::binary_search(kinds.begin(), kinds.end(), kind);
}

std::string CanonicalVerdict(const sc::v1::Report& report) {
  CanonicalText out;
  out.Unsigned(report.generation()).Unsigned(report.episodes());
  const space::v1::Holds& holds = report.holds();
  const auto kinds = HoldKindsOf(holds);
  out.Unsigned(kinds.size());
  for (const auto kind : kinds) out.Number(kind);
  out.Unsigned(holds.space().episode()).Number(holds.space().cause());
  out.Number(holds.space().unproven()).Text(holds.blind().reason());
  out.Text(holds.operator_().who()).Text(holds.operator_().why());
  out.Number(holds.device().cause()).Text(holds.device().detail());
  AppendMarks(report.marks(), out);
  out.Number(report.has_proof());
  if (report.has_proof()) AppendProof(report.proof(), out);
  return out.Take();
}

std::string CanonicalDeviceFaults(const sc::v1::Report& report) {
  CanonicalText out;
  for (const auto& fault : report.device_faults()) out.Number(fault.cause()).Text(fault.detail());
  return out.Take();
}

std::uint64_t VerdictDigest(const sc::v1::Report& report) { return Hash(CanonicalVerdict(report)); }

std::uint64_t HeartbeatDigest(const sc::v1::Report& report) {
  return Hash(CanonicalText()
                  .Text(report.volume())
                  .Text(CanonicalVerdict(report))
                  .Text(CanonicalDeviceFaults(report))
                  .Take());
}

}  // namespace tidemark::daemon
