// Text in aligned columns.
//
//   Table table({{"TOPIC"}, {"SIZE", Align::kRight}});
//   table.AddRow({"orders", "12.1 MiB"});
//   out << table.ToString(colors);
//
// Lifetime:  value type.
// Errors:    none; a row with fewer cells than columns is filled up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/color.h"

namespace tidemark::cli {

enum class Align : std::uint8_t { kLeft, kRight };

struct Column {
  std::string name;
  Align align = Align::kLeft;
};

struct Cell {
  Cell(std::string cell_text = {}, Color cell_color = Color::kNone)  // NOLINT: {"a", "b"} is a row
      : text(std::move(cell_text)), color(cell_color) {}
  Cell(const char* cell_text) : text(cell_text) {}  // NOLINT: likewise

  std::string text;
  Color color = Color::kNone;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void AddRow(std::vector<Cell> cells);
  bool empty() const { return rows_.empty(); }

  // The header and all rows, each ended by a newline, without trailing blanks.
  std::string ToString(bool colors) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

// Characters as a terminal counts them: code points of UTF-8.
std::size_t DisplayWidth(std::string_view text);

}  // namespace tidemark::cli
