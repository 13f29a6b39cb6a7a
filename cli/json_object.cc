#include "cli/json_object.h"

#include <cmath>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "daemon/json_text.h"

namespace tidemark::cli {
namespace {

// Bytes of the UTF-8 character that begins at text[0]; 0 if there is none.
std::size_t CharacterBytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  std::size_t length = 0;
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) length = 2;
  if (first >= 0xE0 && first <= 0xEF) length = 3;
  if (first >= 0xF0 && first <= 0xF4) length = 4;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  // Overlong forms, surrogates, beyond U+10FFFF.
  const unsigned char second = byte(1);
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
      (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) {
    return 0;
  }
  return length;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = CharacterBytes(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

void JsonObject::Name(std::string_view name) {
  if (!fields_.empty()) fields_ += ",";
  fields_ += daemon::JsonString(name) + ":";
}

JsonObject& JsonObject::Add(std::string_view name, std::string_view value) {
  return AddJson(name, daemon::JsonString(value));
}
JsonObject& JsonObject::Add(std::string_view name, std::int64_t value) {
  return AddJson(name, std::to_string(value));
}
JsonObject& JsonObject::Add(std::string_view name, double value) {
  return AddJson(name, std::isfinite(value) ? absl::StrFormat("%.6g", value) : "null");
}
JsonObject& JsonObject::Add(std::string_view name, bool value) {
  return AddJson(name, value ? "true" : "false");
}
JsonObject& JsonObject::AddJson(std::string_view name, std::string_view json) {
  Name(name);
  fields_ += json;
  return *this;
}
JsonObject& JsonObject::AddBytes(std::string_view name, std::string_view bytes) {
  if (IsUtf8(bytes)) return Add(name, bytes);
  return Add(std::string(name) + "_base64",
             std::string_view(absl::Base64Escape(absl::string_view(bytes.data(), bytes.size()))));
}

}  // namespace tidemark::cli
