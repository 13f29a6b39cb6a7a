#include "tests/integration/faults/call_names.h"

#include "gmock/gmock.h"

namespace tidemark::faults {
namespace {

using testing::ElementsAre;

NotedCall Made(std::uint64_t number, Call call, const std::string& path) {
  NotedCall made;
  made.number = number;
  made.call = call;
  made.path = path;
  made.done = true;
  return made;
}

const std::vector<std::string> kScope = {"/mnt/7/tidemark", "/var/7/spu-state"};

TEST(CallNamesTest, CountTheSameCallOfTheSameFileInTheOrderOfNumbers) {
  const std::vector<NotedCall> calls = {
      Made(3, Call::kSync, "/mnt/7/tidemark/a"), Made(1, Call::kSync, "/mnt/7/tidemark/a"),
      Made(2, Call::kWrite, "/mnt/7/tidemark/a"), Made(4, Call::kSync, "/var/7/spu-state/a")};
  std::vector<std::string> names;
  for (const NamedCall& call : NameCalls(calls, kScope)) names.push_back(call.name());
  EXPECT_THAT(names, ElementsAre("sync tidemark/a #1", "write tidemark/a #1", "sync tidemark/a #2",
                                 "sync spu-state/a #1"));
  EXPECT_EQ(NameCall(calls[0], calls, kScope).name(), "sync tidemark/a #2");
  const NotedCall unnoted = Made(5, Call::kSync, "/mnt/7/tidemark/a");
  EXPECT_EQ(NameCall(unnoted, calls, kScope).name(), "sync tidemark/a #3");
}

TEST(CallNamesTest, AreReadBack) {
  for (const char* name :
       {"sync tidemark/a #2", "rename spu-state/a b #10", "rmdir tidemark/p #1"}) {
    const auto call = ParseCallName(name);
    ASSERT_TRUE(call.has_value()) << name;
    EXPECT_EQ(call->name(), name);
  }
  for (const char* name : {"", "sync", "sync #1", "sync a", "sync a #", "sync a #0", "sing a #1"}) {
    EXPECT_FALSE(ParseCallName(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace tidemark::faults
