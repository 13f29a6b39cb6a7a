#include "daemon/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <vector>

#include "absl/strings/str_format.h"
#include "daemon/loop/unique_fd.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/http_fetch.h"
#include "tests/support/status_matchers.h"

namespace tidemark::daemon {
namespace {

using support::HttpExchange;
using support::HttpFetch;
using testing::HasSubstr;

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    HttpServer::Routes routes;
    routes["/page"] = [](const HttpRequest& request) -> HttpResponse {
      std::string body = request.path;
      for (const auto& [key, value] : request.query) {
        body += absl::StrFormat(" %s=%s", key, value);
      }
      return {.status = 200, .content_type = "text/html; charset=utf-8", .body = body};
    };
    auto server = HttpServer::Start({"127.0.0.1", 0}, routes);
    EXPECT_OK(server);
    server_ = *std::move(server);
  }
  std::uint16_t port() const { return server_->endpoint().port; }
  UniqueFd Connect() const {
    UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    return fd;
  }

  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, ServesAPageWithItsQuery) {
  const auto reply = HttpFetch(port(), "/page?verbose&a=1&a=%20x");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "/page a=1 a= x verbose=");
  EXPECT_THAT(reply.head, HasSubstr("Content-Type: text/html; charset=utf-8\r\n"));
  EXPECT_THAT(reply.head, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
}

TEST_F(HttpServerTest, HeadHasTheLengthAndNoBody) {
  const auto reply = HttpFetch(port(), "/page", "HEAD");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "");
  EXPECT_THAT(reply.head, HasSubstr("Content-Length: 5\r\n"));
}

TEST_F(HttpServerTest, RefusesOtherMethodsAndPaths) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "NONSENSE"}) {
    const auto reply = HttpFetch(port(), "/page", method);
    EXPECT_EQ(reply.status, 405) << method;
    EXPECT_THAT(reply.head, HasSubstr("Allow: GET, HEAD\r\n"));
  }
  for (const char* path : {"/", "/page/", "/PAGE", "/../page", "//page"}) {
    EXPECT_EQ(HttpFetch(port(), path).status, 404) << path;
  }
}

TEST_F(HttpServerTest, RefusesRequestsLargerThanItsMemory) {
  const std::string huge(64 * 1024, 'x');
  EXPECT_GE(HttpExchange(port(), "GET /page?" + huge + " HTTP/1.1\r\nHost: a\r\n\r\n").status, 400);
  EXPECT_GE(HttpExchange(port(), "GET /page HTTP/1.1\r\nHost: a\r\nX: " + huge + "\r\n\r\n").status,
            400);
  EXPECT_EQ(HttpFetch(port(), "/page").status, 200);
}

TEST_F(HttpServerTest, ServesAgainAfterMoreIdleConnectionsThanItHolds) {
  std::vector<UniqueFd> idle;
  for (int i = 0; i < 100; ++i) idle.push_back(Connect());
  idle.clear();
  EXPECT_EQ(HttpFetch(port(), "/page").status, 200);
}

TEST_F(HttpServerTest, AnswersAProbeWhileMoreThanItHoldsSendAByteNowAndThen) {
  std::vector<UniqueFd> slow;
  for (int i = 0; i < 300; ++i) slow.push_back(Connect());
  const auto drip = [&] {
    for (const UniqueFd& fd : slow) send(fd.get(), "G", 1, MSG_NOSIGNAL);
  };
  drip();
  const UniqueFd probe = Connect();
  constexpr std::string_view kRequest = "GET /page HTTP/1.1\r\nHost: a\r\n\r\n";
  ASSERT_EQ(send(probe.get(), kRequest.data(), kRequest.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(kRequest.size()));
  // Longer than what is idle is kept.
  pollfd answer{.fd = probe.get(), .events = POLLIN, .revents = 0};
  for (int i = 0; i < 60 && poll(&answer, 1, /*timeout=*/250) == 0; ++i) drip();
  ASSERT_NE(answer.revents & POLLIN, 0) << "no answer";
  char line[16] = {};
  ASSERT_EQ(recv(probe.get(), line, sizeof(line) - 1, MSG_WAITALL),
            static_cast<ssize_t>(sizeof(line) - 1));
  EXPECT_STREQ(line, "HTTP/1.1 200 OK");
}

TEST_F(HttpServerTest, SaysWhichPortIsTaken) {
  EXPECT_THAT(
      HttpServer::Start(server_->endpoint(), {}),
      support::StatusIs(absl::StatusCode::kUnavailable, HasSubstr(server_->endpoint().ToString())));
}

}  // namespace
}  // namespace tidemark::daemon
