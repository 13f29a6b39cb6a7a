#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "cli/words.h"
#include "tests/integration/story/steps.h"

namespace tidemark::story {
namespace {

// What the proof that ended the episode must show.
absl::Status CheckProof(const Stage& stage, const space::v1::Volume& volume) {
  const space::v1::Proof& proof = volume.last_proof();
  TM_RETURN_IF_ERROR(Expect(volume.has_last_proof() && proof.episode() == stage.episode,
                            "the volume is Ready without a proof of its episode"));
  TM_RETURN_IF_ERROR(Expect(proof.bytes_after() >= stage.resume_bytes,
                            "the proof's last reading is below the resume mark"));
  TM_RETURN_IF_ERROR(Expect(proof.readings() >= 3, "the proof has under three readings"));
  // Steps are taken for partitions that lack one and had one since the SPU's start; the reserve is
  // held always.
  return Expect(
      proof.reserve_bytes() > 0 && proof.reserve_bytes() >= volume.marks().reserve_bytes(),
      absl::StrFormat("the proof holds a reserve of %d bytes, wanted %d", proof.reserve_bytes(),
                      volume.marks().reserve_bytes()));
}

absl::Status AppendAgain(Stage& stage) {
  absl::Status failure;
  {
    TM_ASSIGN_OR_RETURN(const auto producer,
                        client::Producer::Connect(stage.agent(), {},
                                                  {[&](const client::Outcome& outcome) {
                                                     stage.ledger.Take(outcome);
                                                     if (failure.ok()) failure = outcome.status;
                                                   },
                                                   nullptr}));
    for (const std::uint64_t partition : stage.full_partitions) {
      for (int i = 0; i < 1000; ++i) {
        const std::uint64_t tag = stage.ledger.NextTag();
        const std::string value = stage.ledger.ValueOf(partition, tag);
        TM_RETURN_IF_ERROR(producer->Append(partition, {.key = {}, .value = value}, tag));
      }
    }
    TM_RETURN_IF_ERROR(producer->Flush(support::kLongWait));
  }
  return failure;
}

}  // namespace

// One whole partition goes, also what lies in its active segment; it was read back before.
absl::Status ReclaimTheSpace(Stage& stage) {
  TM_RETURN_IF_ERROR(stage.grabber->StopGrabbing());
  stage.reporter.Note("the foreign process stops, and keeps what it took");
  TM_ASSIGN_OR_RETURN(const auto partitions, stage.Partitions());
  const auto victim = std::ranges::find_if(partitions, [&](const sc::v1::Partition& partition) {
    return stage.full_partitions.contains(partition.id());
  });
  TM_RETURN_IF_ERROR(
      stage.ledger.ReadAll(stage.agent(), victim->id()).status());  // the last look at it
  TM_RETURN_IF_ERROR(
      stage.watcher->OnlyEver(stage.full_partitions, sc::v1::PARTITION_STATUS_OUT_OF_SPACE, false));
  stage.watcher->BeginChapter();
  TM_ASSIGN_OR_RETURN(const auto trimmed,
                      stage.Type({"trim", cli::PartitionName(victim->topic(), victim->index()),
                                  "--before", "end"}));
  stage.reporter.Note(trimmed.errors);
  TM_RETURN_IF_ERROR(
      stage.WaitForStatus(stage.full_partitions, sc::v1::PARTITION_STATUS_ONLINE, true));
  TM_ASSIGN_OR_RETURN(const auto volume, stage.FullVolume());
  TM_RETURN_IF_ERROR(CheckProof(stage, volume));
  const space::v1::Proof& proof = volume.last_proof();
  stage.reporter.Note("Online. Proof: " + cli::ProofText(proof));
  TM_RETURN_IF_ERROR(AppendAgain(stage));
  stage.reporter.Note("produce works again");
  TM_ASSIGN_OR_RETURN(const auto events, stage.Type({"events", "--contains", "space"}));
  stage.reporter.Note("\n" + events.output);
  Reporter& reporter = stage.reporter;
  reporter.Measure("bytes_before", proof.bytes_before());
  reporter.Measure("bytes_after", proof.bytes_after());
  reporter.Measure("freed_by_us_bytes", proof.freed_by_us_bytes());
  reporter.Measure("observed_gain_bytes", proof.observed_gain_bytes());
  reporter.Measure("steps_taken", proof.steps_taken());
  reporter.Measure("steps_bytes", proof.steps_bytes());
  reporter.Measure("reserve_bytes", proof.reserve_bytes());
  reporter.Measure("readings", static_cast<std::int64_t>(proof.readings()));
  reporter.Measure("settle_ms", proof.settle_ms());
  reporter.Measure("generation", static_cast<std::int64_t>(volume.generation()));
  return absl::OkStatus();
}

}  // namespace tidemark::story
