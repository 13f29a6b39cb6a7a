#include "cli/client/batch_decoder.h"

#include <span>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "storage/codec/batch_codec.h"
#include "storage/codec/record_reader.h"

namespace tidemark::client {
namespace {

std::string TextOf(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace

absl::StatusOr<std::vector<IncomingRecord>> BatchDecoder::Decode(std::string_view batches) {
  std::vector<IncomingRecord> records;
  auto rest = std::as_bytes(std::span<const char>(batches.data(), batches.size()));
  while (!rest.empty()) {
    const auto examined = storage::ExamineBatch(rest, storage::BatchDepth::kBody);
    if (examined.defect) {
      return base::Annotate(examined.defect->As(absl::StatusCode::kDataLoss),
                            absl::StrFormat("batch at offset %d", next_offset_));
    }
    const storage::BatchHeader& header = examined.header;
    if (header.base_offset.value() > next_offset_) {
      return absl::DataLossError(absl::StrFormat("offsets %d to %d are missing", next_offset_,
                                                 header.base_offset.value() - 1));
    }
    if (header.end_offset().value() <= next_offset_) {
      return absl::DataLossError(absl::StrFormat("offsets %d to %d came again",
                                                 header.base_offset.value(),
                                                 header.end_offset().value() - 1));
    }
    storage::RecordReader reader(header, rest.first(header.length_bytes));
    storage::Record record;
    while (reader.Next(record)) {
      if (record.offset.value() < next_offset_) continue;
      IncomingRecord& incoming = records.emplace_back();
      incoming.offset = record.offset.value();
      incoming.timestamp = record.timestamp;
      if (record.key) incoming.key = TextOf(*record.key);
      incoming.value = TextOf(record.value);
    }
    TM_RETURN_IF_ERROR(reader.status(absl::StatusCode::kDataLoss));
    next_offset_ = header.end_offset().value();
    rest = rest.subspan(header.length_bytes);
  }
  return records;
}

}  // namespace tidemark::client
