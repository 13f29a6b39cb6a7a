#include "daemon/loop/endpoint.h"

#include "daemon/loop/listen_socket.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tidemark::daemon {
namespace {

using support::StatusIs;
using testing::HasSubstr;

TEST(EndpointTest, ParsesHostsAndPorts) {
  const struct {
    std::string_view text;
    Endpoint expected;
    bool loopback;
  } kCases[] = {
      {"127.0.0.1:7201", {"127.0.0.1", 7201}, true}, {"127.9.0.1:1", {"127.9.0.1", 1}, true},
      {"[::1]:7201", {"::1", 7201}, true},           {"localhost:0", {"localhost", 0}, true},
      {"0.0.0.0:65535", {"0.0.0.0", 65535}, false},  {"[::]:80", {"::", 80}, false},
      {"spu-0.spu:7201", {"spu-0.spu", 7201}, false}};
  for (const auto& [text, expected, loopback] : kCases) {
    SCOPED_TRACE(text);
    ASSERT_OK_AND_ASSIGN(const Endpoint endpoint, Endpoint::Parse(text));
    EXPECT_EQ(endpoint, expected);
    EXPECT_EQ(endpoint.IsLoopback(), loopback);
    EXPECT_EQ(endpoint.ToString(), text);
  }
}

TEST(EndpointTest, RefusesWhatIsNoEndpoint) {
  for (const std::string_view text : {"", "host", "host:", ":7201", "host:65536", "host:-1",
                                      "host:7x", "::1:7201", "[]:1", "host: 1"}) {
    EXPECT_THAT(Endpoint::Parse(text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not an endpoint")))
        << text;
  }
}

TEST(ListenSocketTest, NamesTheEndpointThatCannotBeHad) {
  ASSERT_OK_AND_ASSIGN(const ListenSocket first, ListenSocket::Open({"127.0.0.1", 0}));
  EXPECT_NE(first.endpoint.port, 0);
  EXPECT_THAT(ListenSocket::Open(first.endpoint),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(first.endpoint.ToString())));
  EXPECT_THAT(ListenSocket::Open({"no such host", 0}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no such host")));
}

}  // namespace
}  // namespace tidemark::daemon
