#include "storage/segment/segment_scan.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "storage/segment/file_window.h"

namespace tidemark::storage {
namespace {

constexpr std::size_t kChunkBytes = 1024 * 1024;
constexpr std::array<char, 4> kBatchMagic = {'T', 'M', 'B', static_cast<char>(kBatchVersion)};

// What stands at one position.
struct Place {
  std::optional<BatchHeader> valid;  // a whole, correct batch
  TailEvidence evidence = TailEvidence::kEnd;
  base::FilePosition search_from;  // where valid batches may follow, if this is none
  std::string detail;
};

TailEvidence EvidenceOf(const BatchExamination& examination) {
  switch (examination.defect->fault) {
    case BatchFault::kVersion:
      return TailEvidence::kNewVersion;
    case BatchFault::kShortBody:
      return TailEvidence::kShortBatch;
    default:
      return examination.stamp_valid ? TailEvidence::kBadBody : TailEvidence::kBadHeader;
  }
}

absl::StatusOr<Place> ExamineAt(FileWindow& window, base::FilePosition position) {
  Place place;
  place.search_from = position + 1;
  TM_ASSIGN_OR_RETURN(auto view, window.At(position, kBatchHeaderBytes));
  if (view.empty()) return place;
  BatchExamination examination = ExamineBatch(view, BatchDepth::kHeader);
  if (!examination.defect.has_value()) {
    // The stamp holds: the length may be trusted with memory.
    TM_ASSIGN_OR_RETURN(view, window.At(position, examination.header.length_bytes));
    examination = ExamineBatch(view, BatchDepth::kBody);
    place.search_from =
        std::min(window.end(), position + std::int64_t{examination.header.length_bytes});
  }
  if (!examination.defect.has_value()) {
    place.valid = examination.header;
    return place;
  }
  place.evidence = EvidenceOf(examination);
  place.detail = std::string(examination.defect->As(absl::StatusCode::kDataLoss).message());
  return place;
}

// Behind the last byte at or after `from` that is not zero; `from` if there is none.
absl::StatusOr<base::FilePosition> FindGarbageEnd(FileWindow& window, base::FilePosition from) {
  base::FilePosition garbage_end = from;
  for (base::FilePosition at = from; at < window.end();) {
    TM_ASSIGN_OR_RETURN(const auto view, window.At(at, kChunkBytes));
    if (view.empty()) break;
    const auto last =
        std::find_if(view.rbegin(), view.rend(), [](std::byte b) { return b != std::byte{0}; });
    if (last != view.rend()) garbage_end = at + (last.base() - view.begin());
    at = at + std::ssize(view);
  }
  return garbage_end;
}

struct Found {
  base::FilePosition position;
  BatchHeader header;
};

// The first valid batch at or after `from` whose offset is not below `expected`.
absl::StatusOr<std::optional<Found>> FindValidBatch(FileWindow& window, base::FilePosition from,
                                                    base::Offset expected) {
  base::FilePosition at = from;
  while (at < window.end()) {
    TM_ASSIGN_OR_RETURN(const auto view, window.At(at, kBatchHeaderBytes));
    if (view.size() < kBatchHeaderBytes) break;
    const auto* hit = static_cast<const std::byte*>(
        ::memmem(view.data(), view.size(), kBatchMagic.data(), kBatchMagic.size()));
    if (hit == nullptr) {
      // A magic may lie across the end of the view.
      at = at + (std::ssize(view) - static_cast<std::int64_t>(kBatchMagic.size()) + 1);
      continue;
    }
    at = at + (hit - view.data());
    TM_ASSIGN_OR_RETURN(const Place place, ExamineAt(window, at));
    if (place.valid.has_value() && place.valid->base_offset >= expected) {
      return Found{at, *place.valid};
    }
    at = place.valid.has_value() ? place.search_from : at + 1;
  }
  return std::nullopt;
}

void Accept(const BatchHeader& header, SegmentScan& scan) {
  scan.index.Add(header.base_offset, scan.data_end, header.max_timestamp);
  scan.end_offset = header.end_offset();
  scan.data_end = scan.data_end + std::int64_t{header.length_bytes};
  ++scan.batch_count;
}

// Behind something that is not the next batch: goes on at the next valid one and notes the hole,
// or says how the segment ends. False: it ends.
absl::StatusOr<bool> GoOnBehind(FileWindow& window, const Place& place, SegmentScan& scan) {
  std::optional<Found> found;
  if (place.valid.has_value() && place.valid->base_offset > scan.end_offset) {
    found = Found{scan.data_end, *place.valid};
  } else {
    TM_ASSIGN_OR_RETURN(found, FindValidBatch(window, place.search_from, scan.end_offset));
  }
  if (!found.has_value()) return false;
  scan.holes.push_back({.first_lost = scan.end_offset,
                        .resumes_at = found->header.base_offset,
                        .from = scan.data_end,
                        .to = found->position,
                        .evidence = place.evidence,
                        .what = place.detail});
  scan.data_end = found->position;
  scan.index.Break();
  Accept(found->header, scan);
  return true;
}

}  // namespace

absl::StatusOr<SegmentScan> ScanSegment(const File& file, base::Offset base_offset,
                                        std::int64_t index_interval_bytes) {
  TM_ASSIGN_OR_RETURN(const FileStat stat, file.Stat());
  SegmentScan scan;
  scan.base_offset = scan.end_offset = base_offset;
  scan.index = SparseIndex(index_interval_bytes);
  scan.file_bytes = stat.size;
  FileWindow window(file, base::FilePosition(stat.size), kChunkBytes);
  while (true) {
    TM_ASSIGN_OR_RETURN(Place place, ExamineAt(window, scan.data_end));
    if (place.valid.has_value() && place.valid->base_offset == scan.end_offset) {
      Accept(*place.valid, scan);
      continue;
    }
    if (place.valid.has_value()) {
      place.evidence = TailEvidence::kWrongOffset;
      place.detail = absl::StrFormat("batch of offset %d where %d should be",
                                     place.valid->base_offset.value(), scan.end_offset.value());
    }
    if (scan.garbage_end <= scan.data_end) {  // else it is known from an earlier hole
      TM_ASSIGN_OR_RETURN(scan.garbage_end, FindGarbageEnd(window, scan.data_end));
    }
    if (scan.garbage_end == scan.data_end) {
      scan.tail = scan.data_end >= window.end() ? TailEvidence::kEnd : TailEvidence::kZeros;
      return scan;
    }
    TM_ASSIGN_OR_RETURN(const bool goes_on, GoOnBehind(window, place, scan));
    if (!goes_on) {
      scan.tail = place.evidence;
      scan.tail_detail = std::move(place.detail);
      return scan;
    }
  }
}

}  // namespace tidemark::storage
