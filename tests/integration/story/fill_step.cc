#include <atomic>
#include <map>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "cli/client/rpc_status.h"
#include "tests/integration/story/steps.h"

namespace tidemark::story {
namespace {

// Writes into the given partitions at full speed until each of them is refused for space.
class Flood {
 public:
  explicit Flood(Stage& stage) : stage_(stage) {}

  absl::Status Run();
  const log::v1::Refusal& refusal() const { return *first_; }

 private:
  void Take(const client::Outcome& outcome);
  bool Refused(std::uint64_t partition);
  bool AllRefused();
  absl::Status failure();

  Stage& stage_;
  base::Mutex mutex_;
  std::set<std::uint64_t> refused_ TM_GUARDED_BY(mutex_);
  absl::Status failure_ TM_GUARDED_BY(mutex_);
  std::optional<log::v1::Refusal> first_;
};

void Flood::Take(const client::Outcome& outcome) {
  stage_.ledger.Take(outcome);
  base::MutexLock lock(mutex_);
  if (outcome.status.ok()) return;
  if (!outcome.refusal || outcome.refusal->reason() != log::v1::REFUSAL_REASON_OUT_OF_SPACE) {
    failure_ = outcome.status;
    return;
  }
  refused_.insert(outcome.partition_id);
  if (!first_) first_ = *outcome.refusal;
}

bool Flood::Refused(std::uint64_t partition) {
  base::MutexLock lock(mutex_);
  return refused_.contains(partition);
}

bool Flood::AllRefused() {
  base::MutexLock lock(mutex_);
  return refused_.size() == stage_.full_partitions.size();
}

absl::Status Flood::failure() {
  base::MutexLock lock(mutex_);
  return failure_;
}

absl::Status Flood::Run() {
  TM_ASSIGN_OR_RETURN(const auto producer,
                      client::Producer::Connect(
                          stage_.agent(), {},
                          {[this](const client::Outcome& outcome) { Take(outcome); }, nullptr}));
  while (!AllRefused()) {
    TM_RETURN_IF_ERROR(failure());
    for (const std::uint64_t partition : stage_.full_partitions) {
      if (Refused(partition)) continue;
      const std::uint64_t tag = stage_.ledger.NextTag();
      const std::string value = stage_.ledger.ValueOf(partition, tag);
      TM_RETURN_IF_ERROR(producer->Append(partition, {.key = {}, .value = value}, tag));
    }
    stage_.reporter.Progress(
        absl::StrFormat("%d records (%s) acknowledged", stage_.ledger.acknowledged(),
                        base::FormatByteSize(stage_.ledger.acknowledged_bytes())));
  }
  TM_RETURN_IF_ERROR(producer->Flush(support::kLongWait));
  return failure();
}

absl::Status CheckRefusal(const log::v1::Refusal& refusal) {
  const auto code = static_cast<absl::StatusCode>(refusal.grpc_code());
  TM_RETURN_IF_ERROR(
      Expect(code == absl::StatusCode::kResourceExhausted, "the refusal is no RESOURCE_EXHAUSTED"));
  TM_RETURN_IF_ERROR(Expect(!refusal.volume().empty(), "the refusal names no volume"));
  TM_RETURN_IF_ERROR(
      Expect(refusal.available_bytes() > 0, "the refusal came when nothing at all was available"));
  TM_RETURN_IF_ERROR(Expect(refusal.full_bytes() > 0, "the refusal tells no full mark"));
  TM_RETURN_IF_ERROR(Expect(refusal.resume_bytes() > refusal.full_bytes(),
                            "the refusal's resume mark is not above its full mark"));
  return Expect(refusal.retry_delay_ms() > 0, "the refusal gives no retry delay");
}

// What a person sees of it.
absl::Status LookAround(Stage& stage) {
  TM_ASSIGN_OR_RETURN(const auto partitions, stage.Partitions());
  const auto full = std::ranges::find_if(partitions, [&](const sc::v1::Partition& partition) {
    return stage.full_partitions.contains(partition.id());
  });
  TM_ASSIGN_OR_RETURN(const auto refused, stage.Type({"produce", "orders", "--partition",
                                                      std::to_string(full->index())},
                                                     10, "one more\n"));
  stage.reporter.Note(refused.errors.substr(refused.errors.find("error:")));
  TM_ASSIGN_OR_RETURN(const auto listed, stage.Type({"partition", "list"}));
  TM_RETURN_IF_ERROR(Expect(listed.output.find("OutOfSpace") != std::string::npos,
                            "partition list shows no OutOfSpace:\n" + listed.output));
  stage.reporter.Note("\n" + listed.output);
  for (const auto& partition : partitions) {
    if (!stage.full_partitions.contains(partition.id())) continue;
    TM_RETURN_IF_ERROR(Expect(partition.since_unix_ms() > 0 && !partition.reason().empty(),
                              "OutOfSpace is shown without since or reason"));
  }
  // A full disk is no reason to restart a daemon.
  TM_RETURN_IF_ERROR(
      stage.Type({"health", "--spu", stage.agent(), "--service", "liveness"}).status());
  return stage.Type({"health", "--spu", stage.agent(), "--service", "readiness"}).status();
}

}  // namespace

absl::Status FillTheVolume(Stage& stage) {
  const std::int64_t before = stage.ledger.acknowledged();
  Flood flood(stage);
  TM_RETURN_IF_ERROR(flood.Run());
  const log::v1::Refusal& refusal = flood.refusal();
  TM_RETURN_IF_ERROR(CheckRefusal(refusal));
  stage.reporter.Note("refused: " + client::DescribeRefusal(refusal));
  TM_RETURN_IF_ERROR(
      stage.WaitForStatus(stage.full_partitions, sc::v1::PARTITION_STATUS_OUT_OF_SPACE, true));
  // From here to the reclaim nobody may see them as anything else.
  TM_RETURN_IF_ERROR(
      stage.watcher->AwaitCaughtUp(stage.full_partitions, sc::v1::PARTITION_STATUS_OUT_OF_SPACE));
  stage.watcher->BeginChapter();
  TM_ASSIGN_OR_RETURN(const auto volume, stage.FullVolume());
  stage.episode = volume.holds().space().episode();
  stage.full_bytes = volume.marks().full_bytes();
  stage.resume_bytes = volume.marks().resume_bytes();
  TM_RETURN_IF_ERROR(LookAround(stage));
  std::int64_t read = 0;
  for (const auto& partitions : {stage.full_partitions, stage.calm_partitions}) {
    for (const std::uint64_t partition : partitions) {
      TM_ASSIGN_OR_RETURN(const ReadBack back, stage.ledger.ReadAll(stage.agent(), partition));
      read += back.records;
    }
  }
  stage.reporter.Note(absl::StrFormat("all %d acknowledged records are readable", read));
  TM_RETURN_IF_ERROR(stage.ProveCalm());
  const std::string log = stage.spu->Log();
  TM_RETURN_IF_ERROR(Expect(
      log.find("ENOSPC") == std::string::npos && log.find("No space left") == std::string::npos,
      "the SPU met ENOSPC by its own writes"));
  Reporter& reporter = stage.reporter;
  reporter.Measure("acknowledged_records", stage.ledger.acknowledged() - before);
  reporter.Measure("readable_records", read);
  reporter.Measure("available_bytes", refusal.available_bytes());
  reporter.Measure("full_bytes", refusal.full_bytes());
  reporter.Measure("resume_bytes", refusal.resume_bytes());
  reporter.Measure("retry_delay_ms", refusal.retry_delay_ms());
  reporter.Measure("episode", static_cast<std::int64_t>(stage.episode));
  return absl::OkStatus();
}

}  // namespace tidemark::story
