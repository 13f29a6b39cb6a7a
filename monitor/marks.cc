#include "monitor/marks.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/block.h"

namespace tidemark::monitor {
namespace {

using base::kGiB;
using base::kKiB;
using base::kMiB;
using base::RoundUpToBlock;

// Marker and verdict slots, with their blocks.
constexpr std::int64_t kSlotsBytes = 64 * kKiB;

std::int64_t Percent(std::int64_t whole, std::int64_t percent) {
  return static_cast<std::int64_t>(static_cast<double>(whole) * static_cast<double>(percent) / 100);
}

std::int64_t Chosen(const std::optional<base::SizeSpec>& override_spec, std::int64_t whole,
                    std::int64_t derived) {
  return override_spec ? override_spec->Of(whole) : derived;
}

absl::Status Refuse(const std::string& message) { return absl::InvalidArgumentError(message); }

std::string Size(std::int64_t bytes) {
  return absl::StrFormat("%s (%d)", base::FormatByteSize(bytes), bytes);
}

absl::Status ValidateBytes(const Marks& m, const MarksFit& fit) {
  if (m.full_bytes < 2 * m.step_bytes) {
    return Refuse(absl::StrFormat("full mark %s is below 2 steps of %s", Size(m.full_bytes),
                                  Size(m.step_bytes)));
  }
  if (m.gap_bytes() < 2 * m.step_bytes) {
    return Refuse(absl::StrFormat("resume mark %s is not 2 steps of %s above full mark %s",
                                  Size(m.resume_bytes), Size(m.step_bytes), Size(m.full_bytes)));
  }
  if (m.low_bytes <= m.resume_bytes) {
    return Refuse(absl::StrFormat("low mark %s is not above resume mark %s", Size(m.low_bytes),
                                  Size(m.resume_bytes)));
  }
  if (m.low_bytes >= fit.total_bytes) {
    return Refuse(absl::StrFormat("low mark %s is not below the volume's %s", Size(m.low_bytes),
                                  Size(fit.total_bytes)));
  }
  const std::int64_t steps = fit.partitions * m.step_bytes;
  const std::int64_t room = fit.total_bytes - m.reserve_bytes - fit.slots_bytes - steps;
  if (m.resume_bytes > room) {
    return Refuse(absl::StrFormat(
        "resume mark %s does not fit: of %s, reserve takes %s, slots %s, %d partitions with a step "
        "of %s each take %s, and %s are left",
        Size(m.resume_bytes), Size(fit.total_bytes), Size(m.reserve_bytes), Size(fit.slots_bytes),
        fit.partitions, Size(m.step_bytes), Size(steps), Size(room)));
  }
  return absl::OkStatus();
}

absl::Status ValidateInodes(const Marks& m, const MarksFit& fit) {
  if (fit.inodes_total == 0) return absl::OkStatus();
  const bool ordered = 0 < m.full_inodes && m.full_inodes < m.resume_inodes &&
                       m.resume_inodes < m.low_inodes && m.low_inodes < fit.inodes_total;
  if (ordered) return absl::OkStatus();
  return Refuse(
      absl::StrFormat("inode marks want 0 < full %d < resume %d < low %d < %d inodes of the volume",
                      m.full_inodes, m.resume_inodes, m.low_inodes, fit.inodes_total));
}

}  // namespace

Marks DeriveMarks(std::int64_t capacity_bytes, std::int64_t inodes_total,
                  const MarksOverrides& overrides) {
  const std::int64_t c = capacity_bytes;
  Marks m;
  m.capacity_bytes = c;
  m.segment_bytes = RoundUpToBlock(Chosen(overrides.segment, c, std::clamp(c / 64, kMiB, kGiB)));
  m.step_bytes =
      RoundUpToBlock(Chosen(overrides.step, c, std::clamp(c / 512, 256 * kKiB, 8 * kMiB)));
  m.reserve_bytes =
      RoundUpToBlock(Chosen(overrides.reserve, c, std::clamp(c / 32, 4 * kMiB, kGiB)));
  // A lower bound of steps may pass the upper one when steps are set very large: then it wins.
  const auto bounded = [](std::int64_t value, std::int64_t low, std::int64_t high) {
    return std::max(low, std::min(value, high));
  };
  m.full_bytes = Chosen(overrides.full, c, bounded(Percent(c, 5), 2 * m.step_bytes, 50 * kGiB));
  m.resume_bytes = Chosen(overrides.resume, c,
                          m.full_bytes + bounded(Percent(c, 2), 2 * m.step_bytes, 16 * kGiB));
  m.low_bytes = Chosen(overrides.low, c,
                       m.resume_bytes + bounded(Percent(c, 5), 4 * m.step_bytes, 64 * kGiB));
  if (inodes_total > 0) {
    const std::int64_t i = inodes_total;
    const std::int64_t derived = std::min(std::max<std::int64_t>(i / 100, 64), i / 10);
    m.full_inodes = Chosen(overrides.full_inodes, i, derived);
    m.resume_inodes = Chosen(overrides.resume_inodes, i, m.full_inodes + derived);
    m.low_inodes = Chosen(overrides.low_inodes, i, m.resume_inodes + derived);
  }
  return m;
}

MarksFit FitOf(const SpaceReading& reading, std::size_t partitions) {
  return {.total_bytes = reading.total_bytes,
          .inodes_total = reading.inodes_total,
          .slots_bytes = kSlotsBytes,
          .partitions = static_cast<std::int64_t>(partitions)};
}

absl::Status ValidateMarks(const Marks& marks, const MarksFit& fit) {
  if (marks.step_bytes <= 0 || marks.segment_bytes < marks.step_bytes) {
    return Refuse(absl::StrFormat("segment %s is smaller than a step of %s",
                                  Size(marks.segment_bytes), Size(marks.step_bytes)));
  }
  if (marks.reserve_bytes <= 0) return Refuse("reserve is 0 bytes");
  if (absl::Status bytes = ValidateBytes(marks, fit); !bytes.ok()) return bytes;
  return ValidateInodes(marks, fit);
}

}  // namespace tidemark::monitor
