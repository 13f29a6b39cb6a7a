#include "sc/core/short_text.h"

#include <gtest/gtest.h>

namespace tidemark::sc {
namespace {

TEST(ShortTextTest, CutsBetweenLetters) {
  const std::string text = "a\u00e9\u20ac\U0001F30A";  // 1, 2, 3 and 4 bytes
  const std::size_t kept[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
  for (std::size_t bytes = 0; bytes < std::size(kept); ++bytes) {
    EXPECT_EQ(ShortText(text, bytes), text.substr(0, kept[bytes])) << bytes;
  }
  EXPECT_EQ(ShortText("", 0), "");
}

}  // namespace
}  // namespace tidemark::sc
