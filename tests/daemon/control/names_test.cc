#include "daemon/control/names.h"

#include <gtest/gtest.h>

#include <string>

namespace tidemark::daemon {
namespace {

TEST(Names, AreOfLettersDigitsDotsLinesAndDashes) {
  const std::string allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    EXPECT_EQ(IsNameCharacter(c), allowed.find(c) != std::string::npos) << byte;
    EXPECT_EQ(IsName(std::string("a") + c), IsNameCharacter(c)) << byte;
  }
}

TEST(Names, HaveFromOneTo249Bytes) {
  EXPECT_FALSE(IsName(""));
  EXPECT_TRUE(IsName("a"));
  EXPECT_TRUE(IsName(std::string(249, 'a')));
  EXPECT_FALSE(IsName(std::string(250, 'a')));
}

}  // namespace
}  // namespace tidemark::daemon
