#include "daemon/control/event_text.h"

#include <gtest/gtest.h>

namespace tidemark::daemon {
namespace {

TEST(EventTextTest, LooksIntoEveryTextOfAnEventWhateverTheCase) {
  sc::v1::Event event;
  event.set_name("volume.verdict");
  event.set_subject("n1:/disk");
  event.set_spu_id("Node-1");
  event.set_volume("aaaa1111");
  event.set_from("ready");
  event.set_to("operator(Ann: disk swap)");
  event.set_reason("5.0 MiB available");
  struct {
    const char* text;
    bool found;
  } const kCases[] = {
      {"", true},       {"VERDICT", true},        {":/disk", true},          {"node-1", true},
      {"AAAA11", true}, {"Ready", true},          {"ann: DISK", true},       {"5.0 mib", true},
      {"%", false},     {"readyoperator", false}, {"nothing like it", false}};
  for (const auto& c : kCases) EXPECT_EQ(EventContains(event, c.text), c.found) << c.text;
}

}  // namespace
}  // namespace tidemark::daemon
