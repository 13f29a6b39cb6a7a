#include "cli/table.h"

#include <algorithm>

namespace tidemark::cli {
namespace {

constexpr std::string_view kGap = "  ";

void AppendPadded(std::string& line, std::string_view text, std::size_t width, Align align,
                  Color color, bool colors) {
  const std::string padding(width - std::min(width, DisplayWidth(text)), ' ');
  if (align == Align::kRight) line += padding;
  line += Painted(text, color, colors);
  if (align == Align::kLeft) line += padding;
}

void EndLine(std::string& text, std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  text += line;
  text += '\n';
}

}  // namespace

std::size_t DisplayWidth(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

void Table::AddRow(std::vector<Cell> cells) {
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::ToString(bool colors) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = DisplayWidth(columns_[i].name);
    for (const auto& row : rows_) width = std::max(width, DisplayWidth(row[i].text));
    widths.push_back(width);
  }
  std::string text;
  std::string header;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) header += kGap;
    AppendPadded(header, columns_[i].name, widths[i], columns_[i].align, Color::kNone, false);
  }
  EndLine(text, std::move(header));
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) line += kGap;
      AppendPadded(line, row[i].text, widths[i], columns_[i].align, row[i].color, colors);
    }
    EndLine(text, std::move(line));
  }
  return text;
}

}  // namespace tidemark::cli
