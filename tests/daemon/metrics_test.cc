#include "daemon/metrics.h"

#include "daemon/health_routes.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/http_fetch.h"
#include "tests/support/status_matchers.h"

namespace tidemark::daemon {
namespace {

using testing::HasSubstr;

TEST(MetricsTest, WritesTheTextFormat) {
  MetricRegistry metrics;
  Counter space = metrics.AddCounter("tidemark_refused_appends_total", "Appends refused.",
                                     {{"reason", "space"}});
  metrics.AddCounter("tidemark_refused_appends_total", "Appends refused.", {{"reason", "crc"}});
  space.Increment();
  space.Increment(2);
  metrics.AddGauge("tidemark_queue_bytes", "Bytes waiting.").Set(1.5);
  metrics.AddHistogram("tidemark_fsync_seconds", "Sync latency.", {}, {0.1, 1}).Observe(0.5);
  double lag = 0.25;
  metrics.AddGaugeFunction("tidemark_loop_lag_seconds", "Loop lag.", {{"loop", "main"}},
                           [&lag] { return lag; });
  metrics.AddCounterFunction("tidemark_loop_beats_total", "Loop beats.", {}, [] { return 7; });
  metrics.AddBuildInfo("tidemark-spu", "0.1.0");

  const std::string text = metrics.Text();
  for (const char* line : {
           "# HELP tidemark_refused_appends_total Appends refused.\n",
           "# TYPE tidemark_refused_appends_total counter\n",
           "tidemark_refused_appends_total{reason=\"space\"} 3\n",
           "tidemark_refused_appends_total{reason=\"crc\"} 0\n",
           "# TYPE tidemark_queue_bytes gauge\n",
           "tidemark_queue_bytes 1.5\n",
           "tidemark_fsync_seconds_bucket{le=\"0.1\"} 0\n",
           "tidemark_fsync_seconds_bucket{le=\"1\"} 1\n",
           "tidemark_fsync_seconds_bucket{le=\"+Inf\"} 1\n",
           "# TYPE tidemark_loop_lag_seconds gauge\n",
           "tidemark_loop_lag_seconds{loop=\"main\"} 0.25\n",
           "# TYPE tidemark_loop_beats_total counter\n",
           "tidemark_loop_beats_total 7\n",
           "tidemark_build_info{program=\"tidemark-spu\",version=\"0.1.0\"} 1\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  lag = 9;
  EXPECT_THAT(metrics.Text(), HasSubstr("tidemark_loop_lag_seconds{loop=\"main\"} 9\n"));
}

TEST(MetricsTest, IsServedWithTheContentTypePrometheusNeeds) {
  const auto metrics = std::make_shared<MetricRegistry>();
  metrics->AddBuildInfo("test", "1");
  HttpServer::Routes routes;
  AddMetricsRoute(routes, metrics);
  ASSERT_OK_AND_ASSIGN(const auto server, HttpServer::Start({"127.0.0.1", 0}, routes));
  const auto reply = support::HttpFetch(server->endpoint().port, "/metrics");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.head, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_EQ(reply.body, metrics->Text());
}

}  // namespace
}  // namespace tidemark::daemon
