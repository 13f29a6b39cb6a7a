#include "cli/table.h"

#include "gtest/gtest.h"

namespace tidemark::cli {
namespace {

TEST(TableTest, AlignsColumnsAndLeavesNoTrailingBlanks) {
  Table table({{"TOPIC"}, {"SIZE", Align::kRight}, {"WHY"}});
  table.AddRow({"orders", "1 B", "full"});
  table.AddRow({"a", "12.5 MiB", ""});
  EXPECT_EQ(table.ToString(false),
            "TOPIC       SIZE  WHY\n"
            "orders       1 B  full\n"
            "a       12.5 MiB\n");
}

TEST(TableTest, CountsCharactersNotBytes) {
  Table table({{"A"}, {"B"}});
  table.AddRow({"größe", "x"});
  table.AddRow({"klein", "y"});
  EXPECT_EQ(table.ToString(false),
            "A      B\n"
            "größe  x\n"
            "klein  y\n");
}

TEST(TableTest, ColoursDoNotMoveColumns) {
  Table table({{"STATUS"}, {"N"}});
  table.AddRow({{"Online", Color::kGood}, "1"});
  table.AddRow({{"Failed", Color::kBad}, "2"});
  EXPECT_EQ(table.ToString(true),
            "STATUS  N\n"
            "\x1b[32mOnline\x1b[0m  1\n"
            "\x1b[1;31mFailed\x1b[0m  2\n");
  EXPECT_EQ(table.ToString(false).find('\x1b'), std::string::npos);
}

TEST(TableTest, FillsUpShortRows) {
  Table table({{"A"}, {"B"}});
  table.AddRow({"x"});
  EXPECT_EQ(table.ToString(false), "A  B\nx\n");
}

}  // namespace
}  // namespace tidemark::cli
