#include "cli/json_object.h"

#include "gtest/gtest.h"

namespace tidemark::cli {
namespace {

TEST(JsonObjectTest, KeepsTheOrderAndEscapes) {
  JsonObject object;
  object.Add("z", "a\"b\\\n\x01").Add("n", std::int64_t{-5}).Add("ok", true).Add("f", 0.25);
  object.AddJson("list", "[1,2]");
  EXPECT_EQ(object.ToString(), R"({"z":"a\"b\\\n\u0001","n":-5,"ok":true,"f":0.25,"list":[1,2]})");
}

TEST(JsonObjectTest, BytesThatAreNoTextBecomeBase64) {
  struct Case {
    std::string bytes;
    std::string expected;
  };
  for (const Case& c :
       {Case{"grün €", R"({"v":"grün €"})"}, Case{"\xff\xfe", R"({"v_base64":"//4="})"},
        Case{"\xc0\x80", R"({"v_base64":"wIA="})"},      // overlong
        Case{"\xed\xa0\x80", R"({"v_base64":"7aCA"})"},  // a surrogate
        Case{"\xe2\x82", R"({"v_base64":"4oI="})"}}) {   // cut
    EXPECT_EQ(JsonObject().AddBytes("v", c.bytes).ToString(), c.expected);
  }
}

}  // namespace
}  // namespace tidemark::cli
