#include "cli/commands/record_source.h"

#include <istream>

#include "absl/strings/str_format.h"

namespace tidemark::cli {

std::optional<SourceRecord> LineSource::Next() {
  SourceRecord record;
  if (!std::getline(in_, record.value)) return std::nullopt;
  if (key_separator_.empty()) return record;
  const auto separator = record.value.find(key_separator_);
  if (separator == std::string::npos) return record;
  record.key = record.value.substr(0, separator);
  record.value.erase(0, separator + key_separator_.size());
  return record;
}

std::optional<SourceRecord> GeneratedSource::Next() {
  if (next_ >= count_) return std::nullopt;
  SourceRecord record;
  record.value = absl::StrFormat("%016d ", next_++);
  record.value.resize(static_cast<std::size_t>(size_bytes_), 'x');
  return record;
}

}  // namespace tidemark::cli
