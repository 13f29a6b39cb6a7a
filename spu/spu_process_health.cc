// What probes are told of an SPU: /livez, /readyz, /startupz and gRPC health.
#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "daemon/grpc_health_publisher.h"
#include "daemon/grpc_server.h"
#include "spu/spu_process.h"

namespace tidemark::spu {
namespace {

using daemon::HealthQuestion;

// A reading that old is stale, whatever the policy does with it.
constexpr base::Duration kReadingHangs = std::chrono::seconds(5);

}  // namespace

void SpuProcess::AddHealthChecks() {
  health_->Add("loop", {HealthQuestion::kLive, HealthQuestion::kReady, HealthQuestion::kStarted},
               daemon::LoopTurns(loop_.heartbeat(), clock_, options_.daemon.loop_limit));
  health_->Add("recovery", {HealthQuestion::kReady, HealthQuestion::kStarted},
               [state = health_state_] { return state->Starting(); });
  // A full volume is none of these, consumers must drain it; but one that never took its room has
  // nothing to be drained, and no partition can be put there.
  health_->Add("volumes", {HealthQuestion::kReady},
               [state = health_state_] { return state->VolumeFault(); });
  health_->Add("first_start", {HealthQuestion::kReady},
               [state = health_state_] { return state->FirstStart(); });
  health_->Add("fence", {HealthQuestion::kReady},
               [state = health_state_] { return state->Fenced(); });
  health_->Add("readings", {HealthQuestion::kReady},
               [state = health_state_] { return state->StaleReading(); });
}

// While there are partitions here and none may be written, producers should go elsewhere.
bool SpuProcess::MayProduce() const {
  bool partitions = false;
  if (!fence_.empty()) return false;
  for (const auto& volume : volumes_.all()) {
    if (volume->partitions().empty()) continue;
    partitions = true;
    if (volume->accepting()) return true;
  }
  return !partitions;
}

void SpuProcess::PublishHealth() {
  HealthFacts facts;
  facts.starting.clear();
  facts.volume_fault = volume_faults_;
  facts.fenced = fence_;
  for (const auto& volume : volumes_.all()) {
    const std::string& path = volume->disk().path();
    if (!volume->start_fault().empty()) {
      absl::StrAppendFormat(&facts.volume_fault, "volume '%s': %s; ", path, volume->start_fault());
      continue;
    }
    if (!volume->started()) {
      absl::StrAppendFormat(&facts.starting, "volume '%s': %d partitions to open; ", path,
                            volume->opening());
      continue;
    }
    if (const std::string why = volume->driver()->policy().FirstStartWaits(); !why.empty()) {
      absl::StrAppendFormat(&facts.first_start, "volume '%s': %s; ", path, why);
    }
    if (const auto& fault = volume->device_fault(); fault.has_value()) {
      absl::StrAppendFormat(&facts.volume_fault, "volume '%s': %s (%s); ", path, fault->detail,
                            monitor::DeviceCauseName(fault->cause));
    }
    if (const base::Duration busy = volume->driver()->reading_busy_for(); busy > kReadingHangs) {
      absl::StrAppendFormat(&facts.stale_reading, "volume '%s': statvfs has not answered for %s; ",
                            path, base::FormatDuration(busy));
    }
  }
  // `readiness` and its like are published from what the HTTP answers are made of.
  if (health_state_->Publish(std::move(facts))) health_publisher_->Refresh();
  server_->SetServing(kConsumeHealth, true);
  server_->SetServing(kProduceHealth, MayProduce());
}

}  // namespace tidemark::spu
