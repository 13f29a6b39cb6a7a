#include "storage/segment/segment_reader.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "storage/codec/batch_codec.h"
#include "storage/codec/record_reader.h"
#include "storage/segment/file_window.h"
#include "storage/segment/segment_name.h"
#include "storage/segment/segment_scan.h"

namespace tidemark::storage {
namespace {

// Skipping over headers: an index interval, mostly.
constexpr std::size_t kSkipChunkBytes = 16 * 1024;
constexpr std::size_t kSearchChunkBytes = 256 * 1024;

std::string PathOf(const SegmentSource& source) {
  return JoinPath(source.directory, SegmentFileName(source.segment_base));
}

// Opens what is not open yet, and finds an index for a closed segment. `read_from_start`: nothing
// better than the beginning is known, so an index is worth making.
absl::Status OpenSource(FileSystem& file_system, bool read_from_start, SegmentSource& source) {
  if (source.file != nullptr) return absl::OkStatus();
  TM_ASSIGN_OR_RETURN(auto file, file_system.Open(PathOf(source), OpenMode::kRead));
  source.file = std::move(file);
  if (source.index != nullptr || !read_from_start) return absl::OkStatus();
  auto index = ReadIndexFile(file_system, source.directory, source.segment_base);
  if (index.ok()) {
    source.index = std::make_shared<const ClosedSegmentIndex>(*std::move(index));
    return absl::OkStatus();
  }
  TM_ASSIGN_OR_RETURN(const FileStat stat, source.file->Stat());
  TM_ASSIGN_OR_RETURN(SegmentScan scan,
                      ScanSegment(*source.file, source.segment_base, IndexIntervalFor(stat.size)));
  source.index = std::make_shared<const ClosedSegmentIndex>(ClosedSegmentIndex{
      source.segment_base, scan.end_offset, scan.data_end, std::move(scan.index)});
  return absl::OkStatus();
}

absl::Status BadBatch(const SegmentSource& source, base::FilePosition position,
                      const BatchDefect& defect) {
  return base::Annotate(
      defect.As(absl::StatusCode::kDataLoss),
      absl::StrFormat("read '%s' at position %d", PathOf(source), position.value()));
}

absl::StatusOr<BatchHeader> HeaderAt(FileWindow& window, const SegmentSource& source,
                                     base::FilePosition position) {
  TM_ASSIGN_OR_RETURN(const auto view, window.At(position, kBatchHeaderBytes));
  const BatchExamination examination = ExamineBatch(view, BatchDepth::kHeader);
  if (examination.defect.has_value()) return BadBatch(source, position, *examination.defect);
  if (position + std::int64_t{examination.header.length_bytes} > window.end()) {
    return BadBatch(
        source, position,
        {BatchFault::kShortBody, window.end() - position, examination.header.length_bytes});
  }
  return examination.header;
}

// Reads exactly [position, position + length).
absl::StatusOr<std::vector<std::byte>> ReadExactly(const SegmentSource& source,
                                                   base::FilePosition position,
                                                   std::int64_t length) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(length));
  TM_ASSIGN_OR_RETURN(const std::size_t got, source.file->ReadAt(position, bytes));
  if (got != bytes.size()) {
    return absl::DataLossError(absl::StrFormat("read '%s' at position %d: %d of %d bytes",
                                               PathOf(source), position.value(), got, length));
  }
  return bytes;
}

// The whole batches at the front of `bytes`, which begin at `start` of the file.
absl::StatusOr<ReadBatches> WholeBatches(ReadBatches result, base::FilePosition start,
                                         std::vector<std::byte> bytes) {
  std::size_t whole = 0;
  while (bytes.size() - whole >= kBatchHeaderBytes) {
    const auto rest = std::span<const std::byte>(bytes).subspan(whole);
    const BatchExamination examination = ExamineBatch(rest, BatchDepth::kHeader);
    if (examination.defect.has_value()) {
      // What is good before it is given out; the next read meets it first.
      if (whole > 0) break;
      return BadBatch(result.source, start, *examination.defect);
    }
    if (examination.header.length_bytes > rest.size()) break;
    whole += examination.header.length_bytes;
    result.next_offset = examination.header.end_offset();
  }
  result.batches = Buffer::Take(std::move(bytes)).Slice(0, whole);
  return result;
}

// The first record of the batch that is as new and not before `from`.
absl::StatusOr<std::optional<TimedOffset>> FindInBatch(const TimeSearch& search,
                                                       const BatchHeader& header,
                                                       base::FilePosition position) {
  if (header.compression != Compression::kNone) {
    return TimedOffset{std::max(header.base_offset, search.from), header.max_timestamp};
  }
  TM_ASSIGN_OR_RETURN(const auto bytes, ReadExactly(search.source, position, header.length_bytes));
  RecordReader reader(header, bytes);
  Record record;
  while (reader.Next(record)) {
    if (record.offset >= search.from && record.timestamp >= search.timestamp) {
      return TimedOffset{record.offset, record.timestamp};
    }
  }
  if (reader.defect().has_value()) return BadBatch(search.source, position, *reader.defect());
  return std::nullopt;
}

}  // namespace

absl::StatusOr<ReadBatches> ReadSegment(FileSystem& file_system, const ReadRequest& request) {
  ReadBatches result{.source = request.source, .batches = {}, .next_offset = request.from};
  TM_RETURN_IF_ERROR(
      OpenSource(file_system, request.start == base::FilePosition(0), result.source));
  base::FilePosition position = request.start;
  if (result.source.index != nullptr) {
    position = std::max(position, result.source.index->index.PositionFor(request.from));
  }
  FileWindow window(*result.source.file, request.end, kSkipChunkBytes);
  std::int64_t first_bytes = 0;
  while (position < request.end) {
    TM_ASSIGN_OR_RETURN(const BatchHeader header, HeaderAt(window, result.source, position));
    first_bytes = header.length_bytes;
    if (header.end_offset() > request.from) break;
    position = position + first_bytes;
  }
  if (position >= request.end) return result;
  const std::int64_t length =
      std::min(std::max(request.bytes_max, first_bytes), request.end - position);
  TM_ASSIGN_OR_RETURN(auto bytes, ReadExactly(result.source, position, length));
  return WholeBatches(std::move(result), position, std::move(bytes));
}

absl::StatusOr<std::optional<TimedOffset>> SearchTime(FileSystem& file_system,
                                                      const TimeSearch& request) {
  TimeSearch search = request;
  TM_RETURN_IF_ERROR(OpenSource(file_system, search.start == base::FilePosition(0), search.source));
  base::FilePosition position = search.start;
  if (search.source.index != nullptr) {
    const SparseIndex& index = search.source.index->index;
    position = std::max(
        {position, index.PositionForTime(search.timestamp), index.PositionFor(search.from)});
  }
  FileWindow window(*search.source.file, search.end, kSearchChunkBytes);
  while (position < search.end) {
    TM_ASSIGN_OR_RETURN(const BatchHeader header, HeaderAt(window, search.source, position));
    if (header.max_timestamp >= search.timestamp && header.end_offset() > search.from) {
      TM_ASSIGN_OR_RETURN(const auto found, FindInBatch(search, header, position));
      if (found.has_value()) return found;
    }
    position = position + std::int64_t{header.length_bytes};
  }
  return std::nullopt;
}

}  // namespace tidemark::storage
