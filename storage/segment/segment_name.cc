#include "storage/segment/segment_name.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/str_format.h"

namespace tidemark::storage {
namespace {

constexpr std::size_t kDigits = 20;
constexpr std::string_view kSegmentSuffix = ".log";
constexpr std::string_view kIndexSuffix = ".index";

std::string FileName(base::Offset base_offset, std::string_view suffix) {
  return absl::StrFormat("%020d%s", base_offset.value(), suffix);
}

std::optional<base::Offset> ParseFileName(std::string_view name, std::string_view suffix) {
  if (name.size() != kDigits + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  const std::string_view digits = name.substr(0, kDigits);
  if (!std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), value);
  if (error != std::errc() || end != digits.end()) return std::nullopt;
  return base::Offset(value);
}

}  // namespace

std::string SegmentFileName(base::Offset base_offset) {
  return FileName(base_offset, kSegmentSuffix);
}
std::string IndexFileName(base::Offset base_offset) { return FileName(base_offset, kIndexSuffix); }

std::optional<base::Offset> ParseSegmentFileName(std::string_view name) {
  return ParseFileName(name, kSegmentSuffix);
}
std::optional<base::Offset> ParseIndexFileName(std::string_view name) {
  return ParseFileName(name, kIndexSuffix);
}

}  // namespace tidemark::storage
