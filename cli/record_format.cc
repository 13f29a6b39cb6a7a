#include "cli/record_format.h"

#include "absl/strings/str_format.h"

namespace tidemark::cli {
namespace {

constexpr std::string_view kLetters = "vkoptT";

// The character that stands for `\letter`, or nothing.
std::string Escaped(char letter) {
  switch (letter) {
    case 'n':
      return "\n";
    case 't':
      return "\t";
    case '\\':
      return "\\";
    case '0':
      return std::string(1, '\0');
    default:
      return {};
  }
}

}  // namespace

absl::StatusOr<RecordFormat> RecordFormat::Create(std::string_view text) {
  RecordFormat format;
  std::string literal;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%' && text[i] != '\\') {
      literal += text[i];
      continue;
    }
    const char kind = text[i];
    const char letter = i + 1 < text.size() ? text[++i] : ' ';
    if (kind == '%' && letter == '%') {
      literal += '%';
    } else if (kind == '\\' && !Escaped(letter).empty()) {
      literal += Escaped(letter);
    } else if (kind == '%' && kLetters.find(letter) != std::string_view::npos) {
      if (!literal.empty()) format.pieces_.push_back({0, std::move(literal)});
      literal.clear();
      format.pieces_.push_back({letter, {}});
    } else {
      return absl::InvalidArgumentError(absl::StrFormat(
          "--format knows %%v %%k %%o %%p %%t %%T %%%% \\n \\t \\\\ \\0, not '%c%c'", kind,
          letter));
    }
  }
  if (!literal.empty()) format.pieces_.push_back({0, std::move(literal)});
  return format;
}

std::string RecordFormat::Apply(std::string_view topic, std::int32_t partition,
                                const client::IncomingRecord& record) const {
  std::string text;
  for (const Piece& piece : pieces_) {
    switch (piece.letter) {
      case 'v':
        text += record.value;
        break;
      case 'k':
        text += record.key.value_or("");
        break;
      case 'o':
        text += std::to_string(record.offset);
        break;
      case 'p':
        text += std::to_string(partition);
        break;
      case 't':
        text += base::FormatWallTime(record.timestamp);
        break;
      case 'T':
        text += topic;
        break;
      default:
        text += piece.literal;
    }
  }
  return text;
}

}  // namespace tidemark::cli
