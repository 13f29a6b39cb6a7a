#include "daemon/health.h"

#include <atomic>
#include <future>

#include "daemon/health_routes.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/await.h"
#include "tests/support/http_fetch.h"
#include "tests/support/loop_thread.h"
#include "tests/support/status_matchers.h"

namespace tidemark::daemon {
namespace {

using std::chrono_literals::operator""ms;
using support::HttpFetch;
using support::kLongWait;
using support::LoopThread;
using support::WaitFor;
using testing::HasSubstr;

HealthCheck Passing() {
  return [] { return std::nullopt; };
}
HealthCheck Failing(std::string why) {
  return [why] { return why; };
}

TEST(HealthTest, PassesWithOneWordOrEveryLine) {
  HealthRegistry health;
  health.Add("loop", {HealthQuestion::kLive, HealthQuestion::kReady}, Passing());
  health.Add("store", {HealthQuestion::kReady}, Passing());
  EXPECT_EQ(health.Ask(HealthQuestion::kReady, false, {}).text, "ok\n");
  EXPECT_EQ(health.Ask(HealthQuestion::kReady, true, {}).text,
            "[+]loop ok\n[+]store ok\nreadyz check passed\n");
  EXPECT_EQ(health.Ask(HealthQuestion::kLive, true, {}).text, "[+]loop ok\nlivez check passed\n");
}

TEST(HealthTest, ANoteStandsBesideACheckThatPassesAndNowhereElse) {
  HealthRegistry health;
  const HealthNote note = [] { return std::optional<std::string>("without its reserve"); };
  health.Add("store", {HealthQuestion::kReady}, Passing(), note);
  EXPECT_EQ(health.Ask(HealthQuestion::kReady, false, {}).text, "ok\n");
  EXPECT_EQ(health.Ask(HealthQuestion::kReady, true, {}).text,
            "[+]store ok: without its reserve\nreadyz check passed\n");
  health.Add("disk", {HealthQuestion::kReady}, Failing("full"), note);
  EXPECT_THAT(health.Ask(HealthQuestion::kReady, true, {}).text,
              HasSubstr("[-]disk failed: full\n"));
}

TEST(HealthTest, AFailureListsEveryCheckAlsoWithoutVerbose) {
  HealthRegistry health;
  health.Add("loop", {HealthQuestion::kReady}, Passing());
  health.Add("store", {HealthQuestion::kReady}, Failing("disk full"));
  const HealthAnswer answer = health.Ask(HealthQuestion::kReady, false, {});
  EXPECT_FALSE(answer.ok);
  EXPECT_FALSE(health.Ok(HealthQuestion::kReady));
  EXPECT_EQ(answer.text, "[+]loop ok\n[-]store failed: disk full\nreadyz check failed\n");
  EXPECT_TRUE(health.Ok(HealthQuestion::kLive));
}

TEST(HealthTest, AnExcludedCheckIsNotAskedAndAnUnknownOneIsNamed) {
  HealthRegistry health;
  health.Add("store", {HealthQuestion::kReady}, []() -> std::optional<std::string> {
    ADD_FAILURE() << "asked";
    return "asked";
  });
  const HealthAnswer answer = health.Ask(HealthQuestion::kReady, true, {"store", "stoer"});
  EXPECT_TRUE(answer.ok);
  EXPECT_THAT(answer.text, HasSubstr("[+]store excluded: ok"));
  EXPECT_THAT(answer.text, HasSubstr("warn: no check named \"stoer\""));
}

TEST(HealthDeathTest, TwoChecksOfOneNameAreOurBug) {
  HealthRegistry health;
  health.Add("loop", {}, Passing());
  EXPECT_DEATH(health.Add("loop", {}, Passing()), "none_of");
}

TEST(HealthRoutesTest, AnswersAndTellsOfALoopThatIsStuck) {
  const base::SystemClock clock;
  LoopThread loop(EventLoopOptions{.queue = {}, .heartbeat_interval = 5ms});
  auto health = std::make_shared<HealthRegistry>();
  health->Add("loop", {HealthQuestion::kLive, HealthQuestion::kReady, HealthQuestion::kStarted},
              LoopTurns(loop->heartbeat(), clock, 2000ms));
  health->Add("store", {HealthQuestion::kReady}, Failing("not open"));
  HttpServer::Routes routes;
  AddHealthRoutes(routes, health);
  ASSERT_OK_AND_ASSIGN(const auto server, HttpServer::Start({"127.0.0.1", 0}, routes));
  const std::uint16_t port = server->endpoint().port;

  for (const char* path : {"/livez", "/healthz", "/startupz"}) {
    const auto reply = HttpFetch(port, path);
    EXPECT_EQ(reply.status, 200) << path;
    EXPECT_EQ(reply.body, "ok\n");
  }
  EXPECT_EQ(HttpFetch(port, "/livez?verbose").body, "[+]loop ok\nlivez check passed\n");
  EXPECT_EQ(HttpFetch(port, "/readyz").status, 503);
  EXPECT_THAT(HttpFetch(port, "/readyz").body, HasSubstr("[-]store failed: not open"));
  EXPECT_EQ(HttpFetch(port, "/readyz?exclude=store&exclude=loop").status, 200);

  std::promise<void> release;
  loop->PostControl([&] { release.get_future().wait(); });
  EXPECT_TRUE(WaitFor([&] { return HttpFetch(port, "/livez").status == 503; }, kLongWait,
                      "a failing livez"));
  EXPECT_THAT(HttpFetch(port, "/livez").body, HasSubstr("[-]loop failed: the loop has not turned"));
  release.set_value();
  EXPECT_TRUE(
      WaitFor([&] { return HttpFetch(port, "/livez").status == 200; }, kLongWait, "livez to pass"));
}

}  // namespace
}  // namespace tidemark::daemon
