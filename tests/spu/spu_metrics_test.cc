// The names an operator's dashboards rest on, and that every refusal is counted under its reason.
#include "spu/spu_metrics.h"

#include <gmock/gmock.h>

#include "absl/strings/str_format.h"
#include "spu/local_partitions.h"
#include "tests/spu/volume/volume_rig.h"

namespace tidemark::spu {
namespace {

namespace log_pb = tidemark::log::v1;
namespace sc_pb = tidemark::sc::v1;
using testing::HasSubstr;
using testing::Not;

std::string Line(const std::string& series, int value) {
  return absl::StrFormat("%s %d\n", series, value);
}

TEST(SpuMetrics, EveryNameOfTheOperationsManualIsThere) {
  VolumeRig rig;
  if (!rig.unavailable().empty()) GTEST_SKIP() << rig.unavailable();
  ASSERT_OK(rig.Open());
  ASSERT_TRUE(rig.AwaitAccepting(true));
  daemon::MetricRegistry registry;
  SpuMetrics metrics(registry);
  rig.OnLoop<bool>([&](Volume& volume) {
    metrics.OnVolume(volume);
    return true;
  });
  const std::string text = registry.Text();
  for (const char* name : {"tidemark_volume_capacity_bytes{",
                           "tidemark_volume_available_bytes{",
                           "tidemark_volume_budget_bytes{",
                           "tidemark_volume_reserve_bytes{",
                           "tidemark_volume_inodes_available{",
                           "tidemark_volume_level{level=\"ok\",",
                           "tidemark_volume_level{level=\"full\",",
                           "tidemark_volume_time_to_full_seconds{",
                           "tidemark_space_episodes_total{cause=\"bytes\",",
                           "tidemark_space_episodes_total{cause=\"inodes\",",
                           "tidemark_space_episodes_total{cause=\"quota\",",
                           "tidemark_reclaim_proofs_total{result=\"proven\",",
                           "tidemark_reclaim_proofs_total{result=\"failed\",",
                           "tidemark_volume_held{hold=\"space\",",
                           "tidemark_volume_accepting{",
                           "tidemark_volume_commit_queue_bytes{",
                           "tidemark_no_space_errors_total{at=\"write\",",
                           "tidemark_refused_appends_total{reason=\"out_of_space\"}",
                           "tidemark_append_latency_seconds_bucket{",
                           "tidemark_commit_latency_seconds_bucket{",
                           "tidemark_sc_attached ",
                           "tidemark_sc_session_age_seconds ",
                           "tidemark_report_lag_seconds "}) {
    EXPECT_THAT(text, HasSubstr(std::string("\n") + name));
  }
}

TEST(SpuMetrics, AppendsReadsAndTrimsAreCountedByTheReasonTheyWereRefusedFor) {
  daemon::MetricRegistry registry;
  SpuMetrics metrics(registry);
  VolumeSet none;
  const base::SystemClock clock;
  LocalPartitions partitions(none, clock, metrics, base::kMiB);
  constexpr base::PartitionId kNowhere{7};
  AppendCommand append;
  append.partition = kNowhere;
  append.done = [](const AppendResult&) {};
  partitions.Append(std::move(append));
  for (int i = 0; i < 2; ++i) {
    ReadCommand read;
    read.partition = kNowhere;
    read.done = [](const ReadResult&) {};
    partitions.Read(std::move(read));
  }
  for (int i = 0; i < 3; ++i) partitions.Trim(kNowhere, base::Offset(1), [](const TrimResult&) {});
  // What the stream found wrong before it asked.
  partitions.OnAppendRefused(MakeRefusal(log_pb::REFUSAL_REASON_BATCH_CHECKSUM, "x"));
  const std::string text = registry.Text();
  const std::string unknown(NameOf(log_pb::REFUSAL_REASON_UNKNOWN_PARTITION));
  const std::string label = "{reason=\"" + unknown + "\"}";
  EXPECT_THAT(text, HasSubstr(Line("tidemark_refused_appends_total" + label, 1)));
  EXPECT_THAT(text, HasSubstr(Line("tidemark_refused_reads_total" + label, 2)));
  EXPECT_THAT(text, HasSubstr(Line("tidemark_refused_trims_total" + label, 3)));
  EXPECT_THAT(text,
              HasSubstr(Line("tidemark_refused_appends_total{reason=\"batch_checksum\"}", 1)));
}

TEST(SpuMetrics, WhatTheControllerRefusesIsCountedByReason) {
  daemon::MetricRegistry registry;
  SpuMetrics metrics(registry);
  metrics.OnHelloRefused(sc_pb::NACK_REASON_UNKNOWN_UUID);
  metrics.OnReportRefused(sc_pb::REPORT_REFUSAL_STORE_FAILED);
  metrics.OnReportRefused(sc_pb::REPORT_REFUSAL_STORE_FAILED);
  // Of a newer controller: counted, under no name we know.
  metrics.OnReportRefused(static_cast<sc_pb::ReportRefusal>(77));
  const std::string text = registry.Text();
  EXPECT_THAT(text,
              HasSubstr(Line("tidemark_sc_refused_hellos_total{reason=\"unknown_uuid\"}", 1)));
  EXPECT_THAT(text,
              HasSubstr(Line("tidemark_sc_refused_reports_total{reason=\"store_failed\"}", 2)));
  EXPECT_THAT(text, HasSubstr(Line("tidemark_sc_refused_reports_total{reason=\"unknown\"}", 1)));
}

}  // namespace
}  // namespace tidemark::spu
