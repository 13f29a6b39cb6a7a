// The whole program as a person runs it, against an SC and an SPU that answer what the test set:
// topic "orders" with two partitions on the volume /data/a of node-1, which is out of space.
//
// Threading: used from the test's thread.
#pragma once

#include <gmock/gmock.h>

#include <sstream>
#include <string>
#include <vector>

#include "cli/app.h"
#include "tests/cli/fake/fake_controller.h"
#include "tests/cli/fake/fake_spu.h"

namespace tidemark::cli {

inline constexpr std::int64_t kThen = 1'795'406'400'000;  // 2026-11-23T04:00:00Z
inline constexpr std::int64_t kMiB = 1 << 20;

struct Ran {
  int code = 0;
  std::string out;
  std::string err;
};

class AppTest : public testing::Test {
 protected:
  AppTest() {
    for (int i = 0; i < 2; ++i) {
      sc::v1::Partition& partition = *sc_.partitions.add_partitions();
      partition.set_id(static_cast<std::uint64_t>(10 + i));
      partition.set_topic("orders");
      partition.set_index(i);
      partition.set_leader("node-1");
      partition.set_volume("uuid-1");
      partition.set_status(sc::v1::PARTITION_STATUS_ONLINE);
      partition.set_reachable(true);
      partition.set_since_unix_ms(kThen);
      partition.set_endpoint(spu_.endpoint());
      partition.set_size_bytes(3 * kMiB);
      partition.set_high_watermark(100);
    }
    sc::v1::Topic& topic = *sc_.topics.add_topics();
    topic.set_name("orders");
    topic.set_partitions(2);
    sc::v1::Spu& spu = *sc_.spus.add_spus();
    spu.set_id("node-1");
    spu.set_attached(true);
    spu.set_session(4);
    spu.set_grpc_endpoint(spu_.endpoint());
    sc::v1::ScVolume& volume = *spu.add_volumes();
    volume.set_uuid("aaaa1111-0000");
    volume.set_path("/data/a");
    volume.set_reach(sc::v1::REACH_UP);
    FillVolume(volume);
    volume.set_reported(true);
    volume.set_report_age_ms(1500);
  }

  // Out of space, and short of 12345678 bytes.
  template <typename Volume>
  static void FillVolume(Volume& volume) {
    volume.mutable_reading()->set_available_bytes(10 * kMiB);
    volume.mutable_reading()->set_total_bytes(256 * kMiB);
    volume.mutable_marks()->set_full_bytes(13 * kMiB);
    volume.mutable_marks()->set_resume_bytes(18 * kMiB);
    volume.mutable_marks()->set_low_bytes(31 * kMiB);
    volume.mutable_holds()->add_held(space::v1::HOLD_KIND_SPACE);
    volume.mutable_holds()->mutable_space()->set_episode(3);
    volume.mutable_holds()->mutable_space()->set_cause(space::v1::SPACE_CAUSE_BYTES);
    volume.mutable_holds()->mutable_space()->set_since_unix_ms(kThen);
  }

  void MakeFull() {
    for (auto& partition : *sc_.partitions.mutable_partitions()) {
      partition.set_status(sc::v1::PARTITION_STATUS_OUT_OF_SPACE);
      partition.set_reason("10.0 MiB available, full mark 13.0 MiB");
      partition.set_bytes_short(12345678);
    }
    log::v1::Refusal refusal;
    refusal.set_reason(log::v1::REFUSAL_REASON_OUT_OF_SPACE);
    refusal.set_message("append to 'orders/0' refused: 10.0 MiB available, full mark 13.0 MiB");
    refusal.set_volume_path("/data/a");
    refusal.set_available_bytes(10 * kMiB);
    refusal.set_full_bytes(13 * kMiB);
    refusal.set_resume_bytes(18 * kMiB);
    refusal.set_retry_delay_ms(1);
    refusal.set_grpc_code(8);
    spu_.Refuse(10, refusal);
    spu_.Refuse(11, refusal);
  }

  Ran Run(std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.begin(), {"--sc", sc_.endpoint()});
    return RunRaw(arguments, input);
  }
  static Ran RunRaw(const std::vector<std::string>& arguments, const std::string& input = "") {
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    const int code = RunTidemark(arguments, {in, out, err});
    return {code, out.str(), err.str()};
  }

  FakeSpu spu_;
  FakeController sc_;
};

}  // namespace tidemark::cli
