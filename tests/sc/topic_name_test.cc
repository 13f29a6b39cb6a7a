#include "sc/core/topic_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace tidemark::sc {
namespace {

TEST(TopicName, AcceptsWhatTheRuleAllows) {
  for (const std::string& name :
       {std::string("a"), std::string("orders"), std::string("A.b_c-9"), std::string("..."),
        std::string(".a"), std::string("-"), std::string(249, 'x')}) {
    EXPECT_TRUE(CheckTopicName(name).ok()) << name;
  }
}

TEST(TopicName, RefusesEverythingElseAndSaysWhy) {
  struct Case {
    std::string name;
    const char* why;
  };
  const Case cases[] = {
      {"", "empty"},
      {".", "directory"},
      {"..", "directory"},
      {"../x", "'/' at 2"},
      {"a/b", "'/' at 1"},
      {"a b", "' ' at 1"},
      {std::string("a\0b", 3), "'\\x00' at 1"},
      {"m\xc3\xbcller", "'\\xc3' at 1"},
      {"a\n", "at 1"},
      {std::string(250, 'x'), "250 characters, at most 249"},
  };
  for (const Case& c : cases) {
    const absl::Status status = CheckTopicName(c.name);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.name;
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(c.why));
  }
}

}  // namespace
}  // namespace tidemark::sc
